import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The gateway that `npm run dev` speaks to: another one by GATEWAY_PORT=… npm run dev.
const gateway = `http://127.0.0.1:${process.env.GATEWAY_PORT ?? "8000"}`;

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    // Pages are served under a policy that allows no inline script, style, or data: address of one.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": { target: gateway, ws: true } } },
});
