import { explorerPlugin } from '@graphiql/plugin-explorer';
import { useGraphiQL } from '@graphiql/react';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useEffect } from 'react';
import { starters } from './examples.js';
import { EXAMPLES_PLUGIN } from './ExamplesPanel.jsx';
import { fetcher, lastAnswer } from './fetcher.js';
import { SignInBar } from './SignInBar.jsx';

const plugins = [EXAMPLES_PLUGIN, explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];
const tabs = starters.map(({ query, variables }) => ({ query, variables }));
/** The examples are open on a first visit; later GraphiQL remembers what was open. */
const firstPanel = localStorage.getItem('graphiql:tabState') ? undefined : EXAMPLES_PLUGIN;

export function Playground() {
  return (
    <>
      <SignInBar />
      <main>
        <GraphiQL
          fetcher={fetcher}
          plugins={plugins}
          visiblePlugin={firstPanel}
          defaultTabs={tabs}
          defaultEditorToolsVisibility="variables"
        >
          <GraphiQL.Logo>
            <></>
          </GraphiQL.Logo>
          <GraphiQL.Footer>
            <LastAnswer />
            <WrapLines />
          </GraphiQL.Footer>
        </GraphiQL>
      </main>
    </>
  );
}

/** Status, time and size of the answer above, or how many events have come. */
function LastAnswer() {
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);
  useEffect(() => lastAnswer.set(''), [tab]);
  return (
    <output className="last-answer" data-testid="last-answer">
      {lastAnswer.use()}
    </output>
  );
}

/** Comments and ids are to be read, however narrow the editors. */
function WrapLines() {
  const query = useGraphiQL((state) => state.queryEditor);
  const variables = useGraphiQL((state) => state.variableEditor);
  useEffect(() => {
    for (const editor of [query, variables]) editor?.updateOptions({ wordWrap: 'on' });
  }, [query, variables]);
  return null;
}
