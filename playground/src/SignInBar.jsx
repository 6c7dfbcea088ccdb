import { useState } from 'react';
import { DEMO_PASSWORD, DEMO_PEOPLE } from './people.js';
import { notice, session, signIn, signOut } from './session.js';

/** The strip at the top: sign in as a demo person with one click, or as anybody with a password. */
export function SignInBar() {
  const user = session.use()?.user;
  const problem = notice.use();
  const [busy, setBusy] = useState(false);

  async function during(work) {
    setBusy(true);
    await work;
    setBusy(false);
  }

  return (
    <header className="bar" aria-busy={busy}>
      <h1>
        <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width="20" height="20" /> Polyphony
      </h1>
      <div className="people" role="group" aria-labelledby="signin-people">
        <span id="signin-people">{user ? 'Switch to' : 'Sign in as'}</span>
        {DEMO_PEOPLE.map((name) => (
          <button
            key={name}
            type="button"
            data-testid={`signin-${name}`}
            aria-label={`Sign in as ${name}`}
            aria-pressed={user?.username === name}
            disabled={busy}
            onClick={() => during(signIn(name, DEMO_PASSWORD))}
          >
            {name}
          </button>
        ))}
      </div>
      {user ? (
        <SignedIn user={user} busy={busy} onSignOut={() => during(signOut())} />
      ) : (
        <SignInForm busy={busy} onSubmit={(login, password) => during(signIn(login, password))} />
      )}
      <p className="notice" role="alert" data-testid="signin-error">
        {problem}
      </p>
    </header>
  );
}

function SignInForm({ busy, onSubmit }) {
  function submit(event) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onSubmit(form.get('login'), form.get('password'));
  }

  return (
    <form onSubmit={submit} aria-label="Sign in with a password">
      <input
        name="login"
        data-testid="signin-username"
        aria-label="Username or email"
        placeholder="Username or email"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck="false"
        required
      />
      <input
        name="password"
        type="password"
        data-testid="signin-password"
        aria-label="Password"
        placeholder="Password"
        autoComplete="current-password"
        required
      />
      <button type="submit" className="primary" data-testid="signin-submit" disabled={busy}>
        Sign in
      </button>
    </form>
  );
}

function SignedIn({ user, busy, onSignOut }) {
  return (
    <div className="signed-in">
      <span role="status" data-testid="signed-in-as">
        Signed in as <b>{user.displayName}</b> <span className="quiet">@{user.username}</span>
      </span>
      <button type="button" data-testid="signout" disabled={busy} onClick={onSignOut}>
        Sign out
      </button>
    </div>
  );
}
