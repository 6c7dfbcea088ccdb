import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useState } from 'react';
import { examples } from './examples.js';
import { DEMO_PASSWORD } from './people.js';
import { session, signIn } from './session.js';

/** GraphiQL's side panel with the example documents by domain. */
export const EXAMPLES_PLUGIN = { title: 'Examples', icon: ExamplesIcon, content: ExamplesPanel };

function ExamplesPanel() {
  const [search, setSearch] = useState('');
  const open = useOpenExample();
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = examples.filter((example) => {
    const text = `${example.domain} ${example.kind} ${example.name} ${example.query}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });

  return (
    <section className="examples" aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <input
        type="search"
        data-testid="examples-search"
        aria-label="Search the examples"
        placeholder="Search names, fields, comments"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {[...Map.groupBy(found, ({ domain }) => domain)].map(([domain, list]) => (
        <section key={domain} aria-labelledby={`examples-${domain}`}>
          <h2 id={`examples-${domain}`}>{domain}</h2>
          <ul>
            {list.map((example) => (
              <Example key={example.path} example={example} onOpen={open && (() => open(example))} />
            ))}
          </ul>
        </section>
      ))}
      {found.length === 0 && <p className="quiet">No example has all of these words.</p>}
    </section>
  );
}

function Example({ example: { name, kind, as, about }, onOpen }) {
  const signedInAs = session.use()?.user.username;
  return (
    <li>
      <button type="button" className="example" data-testid={`example-${name}`} disabled={!onOpen} onClick={onOpen}>
        <span className={`kind ${kind}`} role="img" aria-label={kind}>
          {kind[0].toUpperCase()}
        </span>
        <span>
          <b>{name}</b>
          <span className="about">{about.split('\n')[0]}</span>
        </span>
      </button>
      {as !== 'nobody' && (
        <button
          type="button"
          className="as"
          aria-pressed={signedInAs === as}
          aria-label={`Sign in as ${as}, whom this example is for`}
          title={signedInAs === as ? `You are signed in as ${as}` : `This example is for ${as}: click to sign in`}
          onClick={() => signedInAs !== as && signIn(as, DEMO_PASSWORD)}
        >
          {as}
        </button>
      )}
    </li>
  );
}

/** Opens an example in a tab of its own, or shows the tab that has it; `null` until the editors are there to show it. */
function useOpenExample() {
  const { addTab, changeTab, updateActiveTabValues } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor, responseEditor } = useGraphiQL(
    ({ tabs, queryEditor, variableEditor, responseEditor }) => ({ tabs, queryEditor, variableEditor, responseEditor }),
  );

  if (!queryEditor || !variableEditor || !responseEditor) return null;
  return ({ query, variables }) => {
    const index = tabs.findIndex((tab) => tab.query === query);
    if (index >= 0) {
      changeTab(index);
      return;
    }
    addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(variables);
    updateActiveTabValues({ query, variables, response: null, operationName: null });
  };
}

function ExamplesIcon(props) {
  return (
    <svg height="1em" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" {...props}>
      <path d="M4 5.5A2.5 2.5 0 0 1 6.5 3H20v18H6.5A2.5 2.5 0 0 1 4 18.5z" />
      <path d="M4 18.5A2.5 2.5 0 0 1 6.5 16H20M9 7.5h7M9 11h5" />
    </svg>
  );
}
