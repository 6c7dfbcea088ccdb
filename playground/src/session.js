// Who is signed in, in this browser tab: tokens live in memory and sessionStorage and are refreshed before they expire.
import { post } from './http.js';
import { createStore } from './store.js';

const STORAGE_KEY = 'polyphony:session';
/** A token is renewed a minute before its end, and not used any more in its last seconds; sooner if it is short-lived. */
const renewsAt = ({ expiresAt, lifetime }) => expiresAt - Math.min(60_000, lifetime / 4);
const tooOldAt = ({ expiresAt, lifetime }) => expiresAt - Math.min(10_000, lifetime / 8);

const USER = '{ id username displayName }';
const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { accessToken refreshToken expiresIn user ${USER} }
}`;
const REFRESH = `mutation RefreshSession($refreshToken: String!) {
  refreshSession(input: { refreshToken: $refreshToken }) { accessToken refreshToken expiresIn }
}`;
const SIGN_OUT = 'mutation SignOut { signOut(input: { scope: CURRENT }) { sessionsEnded } }';
const ME = `query Me { me ${USER} }`;

/** `null`, or `{ user, accessToken, refreshToken, expiresAt, lifetime }`. */
export const session = createStore(stored());
/** Why the last sign-in failed or the session ended; empty when all is well. */
export const notice = createStore('');

session.subscribe((current) => {
  if (current) sessionStorage.setItem(STORAGE_KEY, JSON.stringify(current));
  else sessionStorage.removeItem(STORAGE_KEY);
  planRenewal();
});

// A duplicated browser tab starts with a copy of the tokens. A refresh token works once, so the tabs take turns and
// tell each other.
const siblings = new BroadcastChannel(STORAGE_KEY);
siblings.onmessage = ({ data: { used, next } }) => {
  if (session.get()?.refreshToken === used) session.set(next);
};

planRenewal();

export async function signIn(login, password) {
  notice.set('');
  try {
    const data = await run(SIGN_IN, { input: { login, password, device: 'Playground' } });
    adopt(data.signIn);
  } catch (error) {
    notice.set(error.message);
  }
}

export async function signOut() {
  notice.set('');
  const token = await accessToken();
  session.set(null);
  // The tab forgets its tokens even when the server is away or has ended the session already.
  if (token) await run(SIGN_OUT, {}, token).catch(() => {});
}

/** The token to send, renewed if need be; `null` when nobody is signed in. */
export async function accessToken() {
  const current = session.get();
  if (current && Date.now() > tooOldAt(current)) await renew();
  return session.get()?.accessToken ?? null;
}

/** Keeps the bar right when a document in the editor signs in, signs out or refreshes. */
export async function observe(operation, result) {
  const fields = operation?.selectionSet.selections.map((field) => field.name?.value) ?? [];
  if (operation?.operation !== 'mutation' || !result?.data) return;

  const payload = Object.values(result.data).find((value) => value?.accessToken);
  if (payload) {
    const user = payload.user?.username ? payload.user : await whoIs(payload.accessToken);
    if (user) adopt({ ...payload, user });
  } else if (fields.includes('signOut') && session.get() && !(await whoIs(session.get().accessToken))) {
    session.set(null);
  }
}

async function whoIs(token) {
  return run(ME, {}, token).then(
    (data) => data.me,
    () => null,
  );
}

function adopt({ user, accessToken, refreshToken, expiresIn }) {
  const lifetime = (expiresIn ?? 900) * 1000;
  notice.set('');
  session.set({ user, accessToken, refreshToken, lifetime, expiresAt: Date.now() + lifetime });
}

let renewal;
let timer;

function planRenewal() {
  clearTimeout(timer);
  const current = session.get();
  if (!current) return;
  timer = setTimeout(renew, Math.max(0, renewsAt(current) - Date.now()));
}

/** Runs once however many ask, and in one browser tab at a time. */
function renew() {
  const { refreshToken } = session.get() ?? {};
  const turn = () => session.get()?.refreshToken === refreshToken && renewNow();
  // The lock is there on https and localhost only.
  renewal ??= (navigator.locks?.request(STORAGE_KEY, turn) ?? Promise.resolve(turn())).finally(() => (renewal = undefined));
  return renewal;
}

async function renewNow() {
  const { refreshToken, user } = session.get() ?? {};
  if (!user) return;
  try {
    if (!refreshToken) throw new Refused('The session has ended.');
    const data = await run(REFRESH, { refreshToken });
    if (session.get()?.refreshToken !== refreshToken) return; // signed out or in meanwhile
    adopt({ user, ...data.refreshSession });
    siblings.postMessage({ used: refreshToken, next: session.get() });
    await new Promise((heard) => setTimeout(heard, 100)); // before the next in the lock's queue looks
  } catch (error) {
    if (session.get()?.refreshToken !== refreshToken) return;
    if (error instanceof Refused) {
      session.set(null);
      notice.set(`Signed out: ${error.message}`);
    } else {
      timer = setTimeout(renew, 5_000); // the server is away: try again
    }
  }
}

/** The server answered, and the answer is no. */
class Refused extends Error {}

async function run(query, variables, token) {
  const { result, status } = await post({ query, variables }, token);
  if (result.errors?.length) {
    const { message } = result.errors[0];
    throw status >= 500 || status === 429 ? new Error(message) : new Refused(message);
  }
  return result.data;
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY));
  } catch {
    return null;
  }
}
