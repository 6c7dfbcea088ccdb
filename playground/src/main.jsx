import { createRoot } from 'react-dom/client';
import './workers.js';
import { Playground } from './Playground.jsx';
import '@graphiql/react/font/roboto.css';
import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '@graphiql/plugin-explorer/style.css';
import 'graphiql/graphiql.css';
import './style.css';

createRoot(document.getElementById('root')).render(<Playground />);
