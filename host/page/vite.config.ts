import { defineConfig } from "vitest/config";

export default defineConfig({
  // Relative, so that the page also works below a path of a proxy.
  base: "./",
  build: {
    target: "es2022",
    cssCodeSplit: false,
    sourcemap: false,
    modulePreload: false,
    // The host embeds these three files by name.
    rollupOptions: {
      output: {
        entryFileNames: "app.js",
        assetFileNames: "app[extname]",
        codeSplitting: false,
      },
    },
  },
  // For `vite` beside `npm run mock`.
  server: { proxy: { "/api": "http://127.0.0.1:4780" } },
  test: { include: ["tests/**/*.test.ts"] },
});
