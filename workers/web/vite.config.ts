import { defineConfig } from 'vite';

/**
 * Builds the page into `dist/`, which the gateway serves as assets. Nothing is inlined, so that the
 * content security policy can forbid inline scripts.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
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
