import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The gateway that `npm run dev` speaks to: another one by GATEWAY_PORT=… npm run dev.
const gateway = `http://127.0.0.1:${process.env.GATEWAY_PORT ?? "8000"}`;

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: { entities: fileURLToPath(new URL("src/markdown/entities.ts", import.meta.url)) },
  },
  build: {
    target: "es2023",
    // Pages are served under a policy that allows no inline script, style, or data: address of one.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What the first page needs comes in one file, and of the rest no crumbs: a file that many
            // pages share costs each of them a request. Each group takes along what its own modules
            // import, so that files import one another in one direction, and run in order.
            { name: "start", tags: ["$initial"], priority: 2 },
            {
              name: "parts",
              test: /src[\\/](ui|shell|features[\\/]welcome)[\\/]/,
              minShareCount: 2,
              priority: 1,
            },
            { name: "shared", minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": { target: gateway, ws: true } } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    css: { modules: { classNameStrategy: "non-scoped" } },
    // Machines are small and shared, and what hangs is seen all the same.
    testTimeout: 60_000,
    // One page for all files of a worker, made fresh for each: ten times less CPU than a page for each.
    isolate: false,
    setupFiles: ["src/testing/fresh.ts"],
    restoreMocks: true,
    unstubGlobals: true,
    // Built like the pages, so that they ask what the pages ask.
    server: { deps: { inline: ["markdown-it"] } },
  },
});
