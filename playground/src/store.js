import { useSyncExternalStore } from 'react';

/** A value that can be read, set, listened to, and used in a component. */
export function createStore(value) {
  const listeners = new Set();
  const subscribe = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    get: () => value,
    set(next) {
      const before = value;
      value = next;
      listeners.forEach((listener) => listener(next, before));
    },
    subscribe,
    use: () => useSyncExternalStore(subscribe, () => value),
  };
}
