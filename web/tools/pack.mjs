// Packs what was built, once and as small as it gets, so that the gateway hands it on as it is:
// node tools/pack.mjs dist
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const PACKED = new Set([".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".txt", ".ttf"]);

const folder = process.argv[2];
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !PACKED.has(extname(entry.name))) continue;
  const file = join(entry.parentPath, entry.name);
  const raw = readFileSync(file);
  const packed = {
    ".br": brotliCompressSync(raw, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
      },
    }),
    ".gz": gzipSync(raw, { level: 9 }),
  };
  for (const [suffix, bytes] of Object.entries(packed)) {
    // What does not get smaller is handed out as it is.
    if (bytes.length < raw.length) writeFileSync(file + suffix, bytes);
  }
}
