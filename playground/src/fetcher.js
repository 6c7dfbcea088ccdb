// How GraphiQL reaches the server: queries and mutations by POST, subscriptions by graphql-transport-ws.
import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { ENDPOINT, post } from './http.js';
import { accessToken, observe, session } from './session.js';
import { createStore } from './store.js';

/** What the strip under the response shows about the last answer. */
export const lastAnswer = createStore('');

export function fetcher(params, { headers } = {}) {
  const operation = operationOf(params);
  const asked = operation ? { ...params, operationName: operation.name?.value } : params;
  return operation?.operation === 'subscription' ? subscribe(asked, operation) : request(asked, operation, headers);
}

/** What is to run. GraphiQL's own idea of it lags behind the editor for a moment after a change of tabs. */
function operationOf({ query, operationName }) {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName) ?? getOperationAST(document);
  } catch {
    return null; // the server says what is wrong with it
  }
}

async function request(params, operation, headers) {
  const token = await accessToken();
  const start = performance.now();
  const { result, status, bytes } = await post(params, token, headers);
  if (operation && operation.name?.value !== 'IntrospectionQuery') {
    lastAnswer.set(`HTTP ${status} · ${Math.round(performance.now() - start)} ms · ${size(bytes)}`);
    await observe(operation, result);
  }
  return result;
}

/** How many earlier events stand under the newest one, and under which name: the server sends no such thing. */
const EARLIER = 'earlier events, newest first';
const KEPT = 20;

const socket = createClient({
  url: () => new URL(ENDPOINT, window.location.href).href.replace(/^http/, 'ws'),
  connectionParams: async () => {
    const token = await accessToken();
    return token ? { authorization: `Bearer ${token}` } : {};
  },
  retryAttempts: 8,
  retryWait: (retries) => new Promise((done) => setTimeout(done, retries && Math.min(500 * 2 ** retries, 15_000))),
});

// A socket belongs to the token it was opened with: on a new one the client connects again and goes on.
session.subscribe((now, before) => {
  if (now?.accessToken !== before?.accessToken) socket.terminate();
});

function subscribe(params, operation) {
  // A document that declares $after goes on behind the last event it saw when the socket comes back.
  const resumes = operation.variableDefinitions.some(({ variable }) => variable.name.value === 'after');
  const payload = { ...params, variables: { ...params.variables } };
  let events = 0;
  let earlier = [];
  let over = false;
  const counted = () => `${events} ${events === 1 ? 'event' : 'events'}`;
  const end = (text) => {
    if (!over) lastAnswer.set(text);
    over = true;
  };

  return {
    subscribe(sink) {
      lastAnswer.set('Listening…');
      const unsubscribe = socket.subscribe(payload, {
        next(result) {
          if (result.data) events += 1;
          lastAnswer.set(`${counted()} · last at ${new Date().toLocaleTimeString()}`);
          const cursor = Object.values(result.data ?? {})[0]?.cursor;
          if (resumes && cursor) payload.variables.after = cursor;
          // GraphiQL shows one answer, and events come in quick succession: what was said would be gone before it is read.
          sink.next(earlier.length ? { ...result, [EARLIER]: earlier } : result);
          if (result.data) earlier = [result.data, ...earlier].slice(0, KEPT);
        },
        error(error) {
          end(`${counted()} · ended with an error`);
          sink.error(error instanceof Event ? new Error(broken(error)) : error);
        },
        complete() {
          end(`${counted()} · ended`);
          sink.complete();
        },
      });
      return {
        unsubscribe() {
          end(`${counted()} · stopped`);
          unsubscribe();
        },
      };
    },
  };
}

function broken({ code, reason }) {
  return code ? `The socket was closed with ${code}${reason && `: ${reason}`}` : 'The socket could not be opened.';
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} kB`;
}
