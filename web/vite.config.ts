import { rm } from 'node:fs/promises';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

// The binary embeds dist, which holds a file of its own that must survive: remove what an
// earlier build wrote, and nothing else.
function clean(): Plugin {
  return {
    name: 'clean',
    apply: 'build',
    buildStart: async () => {
      await rm('dist/assets', { recursive: true, force: true });
      await rm('dist/index.html', { force: true });
    },
  };
}

// `npm run dev` serves the pages and passes requests on to a server that is already running.
const server = process.env.BLUETRAIL_URL ?? 'http://127.0.0.1:8514';

export default defineConfig({
  plugins: [svelte(), clean()],
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2023',
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or styles
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'assets/licenses.md' },
  },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true, secure: false },
      '/services': { target: server, changeOrigin: true, secure: false },
    },
  },
});
