import { defineConfig } from "vitest/config";

export default defineConfig({
  // Relative, so that the page also works below a path of a proxy.
  base: "./",
  // Calls of `h` are shorter than those that TypeScript checks for.
  oxc: {
    jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
    jsxInject: 'import { h, Fragment } from "preact"',
  },
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
