import { defineConfig, type Plugin } from 'vite';

/**
 * Names the worker's files in the page's head, so that they are fetched along with the page's own
 * and not after them: on a phone each trip takes a sixth of a second.
 */
function preloadWorker(): Plugin {
  return {
    name: 'preload-worker',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const worker = Object.values(bundle ?? {}).find(({ fileName }) =>
          /^assets\/worker-.*\.js$/.test(fileName),
        );
        if (worker === undefined) return html;
        const code = 'code' in worker ? worker.code : String(worker.source);
        const parts = [...code.matchAll(/(?:import|from)\s*"\.\/([\w-]+\.js)"/g)].map(
          ([, name]) => `assets/${name}`,
        );
        return [worker.fileName, ...parts].map((fileName) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', href: `./${fileName}` },
          injectTo: 'head' as const,
        }));
      },
    },
  };
}

/**
 * Builds the page into `dist/`, which the gateway serves as assets. Nothing is inlined, so that the
 * content security policy can forbid inline scripts.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [preloadWorker()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  worker: { format: 'es' },
});
