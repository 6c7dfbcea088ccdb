import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { defineConfig } from 'vite';

/** What the built assets are made from, apart from node_modules. */
const SOURCES = ['demo-ids.json', 'examples', 'index.html', 'package-lock.json', 'package.json', 'public', 'src', 'vite.config.js'];

export default defineConfig({
  base: '/playground/',
  oxc: { jsx: { runtime: 'automatic' } },
  plugins: [latinFontsOnly(), stampSources()],
  build: {
    target: 'es2022',
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 5000,
    rolldownOptions: {
      // "use client" in the libraries means something to server rendering only.
      onLog: (level, log, show) => log.code !== 'MODULE_LEVEL_DIRECTIVE' && show(level, log),
      output: {
        // The libraries keep their file, and its name, when only an example or the bar changes.
        codeSplitting: { groups: [{ name: 'libraries', test: /node_modules/, tags: ['$initial'] }] },
      },
    },
  },
  server: {
    proxy: { '/graphql': { target: 'http://127.0.0.1:8000', ws: true } },
  },
});

/** GraphiQL's fonts come as data URLs for every script and slant; keep upright Latin, the system has the rest. */
function latinFontsOnly() {
  return {
    name: 'latin-fonts-only',
    enforce: 'pre',
    transform(css, id) {
      if (!/@graphiql\/react\/font\/.*\.css$/.test(id)) return null;
      const faces = css.match(/@font-face\s*\{[^}]*\}/g);
      return faces.filter((face) => face.includes('U+0000-00FF') && !face.includes('italic')).join('\n');
    },
  };
}

/** Writes dist/sources.sha256, by which a test without node sees that dist is not older than its sources. */
function stampSources() {
  const files = (path) =>
    statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => files(`${path}/${name}`)) : [path];
  return {
    name: 'stamp-sources',
    apply: 'build',
    generateBundle() {
      const hash = createHash('sha256');
      for (const file of SOURCES.flatMap(files).sort()) {
        hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
      }
      this.emitFile({ type: 'asset', fileName: 'sources.sha256', source: `${hash.digest('hex')}\n` });
    },
  };
}
