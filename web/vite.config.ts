// How the console is built: into web/dist, served by the supervisor (src/http/console). `vite web` serves it while it is written, and
// passes calls on to the supervisor of MUSTER_SERVER.
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const supervisor = process.env['MUSTER_SERVER'] ?? 'http://127.0.0.1:7070';

// Vite accepts its configuration as a default export only.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // No inline data: the content security policy allows nothing but files of our own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '^/(muster\\.v1\\.|console/|healthz)': supervisor } },
});
