import optimizeLocales from '@react-aria/optimize-locales-plugin';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running service. */
const service = process.env.CLIPMILL_URL ?? 'http://127.0.0.1:8600';

export default defineConfig({
  plugins: [
    react(),
    tailwindcss(),
    // the components' own texts, in the languages that the console speaks
    { ...optimizeLocales.vite({ locales: ['zh-CN', 'en-US'] }), enforce: 'pre' },
  ],
  build: {
    outDir: 'dist',
    emptyOutDir: true, // dist/.gitkeep comes back from public/
    target: 'es2022',
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
  server: { proxy: { '/api': service, '/media': service } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
