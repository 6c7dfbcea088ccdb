// The examples folder, which the tests execute too: examples/<domain>/<nn>-<Name>.graphql with its variables beside it.
import ids from '../demo-ids.json';

const documents = import.meta.glob('../examples/*/*.graphql', { query: '?raw', import: 'default', eager: true });
const variables = import.meta.glob('../examples/*/*.json', { query: '?raw', import: 'default', eager: true });

/** Domains in the order in which a newcomer wants them; others follow by name. */
const DOMAINS = ['conversations', 'live', 'people', 'sign-in', 'administration'];
const STARTERS = ['Welcome', 'SignIn', 'SendMessage', 'MessageEvents'];

export const examples = Object.keys(documents)
  .map(read)
  .sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));

/** The tabs of a first visit. */
export const starters = STARTERS.map((name) => examples.find((example) => example.name === name));

function read(path) {
  const [, domain, name] = path.match(/([^/]+)\/\d+-([^/]+)\.graphql$/);
  const query = withIds(documents[path]).trimEnd();
  const comment = query.match(/^(#.*\n)*/)[0].replace(/^# ?/gm, '');
  return {
    path,
    domain,
    name,
    query,
    variables: withIds(variables[path.replace(/graphql$/, 'json')] ?? '').trim().replace(/^\{\s*\}$/, ''),
    kind: query.match(/^(query|mutation|subscription)\b/m)?.[1] ?? 'query',
    /** The demo person it is for; `nobody` needs no sign-in. */
    as: comment.match(/^as: (\w+)/)?.[1] ?? 'nobody',
    about: comment.replace(/^as: .*\n/, '').trim(),
  };
}

/** Writes the demo data's ids in place of `{{conversation:General}}`. */
function withIds(text) {
  return text.replace(/\{\{([^{}]+)\}\}/g, (placeholder, key) => ids[key] ?? placeholder);
}

function rank({ domain }) {
  const place = DOMAINS.indexOf(domain);
  return place < 0 ? DOMAINS.length : place;
}
