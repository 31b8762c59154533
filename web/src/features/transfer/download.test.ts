import { expect, test, vi } from "vitest";
import { fetchFile } from "./download";

const SIZE = 5 * 1024 * 1024;

/** A file that comes in pieces of five megabytes, each of one byte; and that breaks off behind them. */
function comes({ broken = false } = {}) {
  const bytes = [1, 2, 3];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const byte = bytes.shift();
      if (byte !== undefined) controller.enqueue(new Uint8Array(SIZE).fill(byte));
      else if (broken) controller.error(new TypeError("network"));
      else controller.close();
    },
  });
  const headers = { "Content-Disposition": 'attachment; filename="parley.json"' };
  vi.stubGlobal("fetch", async () => new Response(body, { headers }));
}

test("a large file is all of its pieces in their order, and is counted as it comes", async () => {
  comes();
  const counted: number[] = [];
  const { blob, name } = await fetchFile("/file", new AbortController().signal, (bytes) =>
    counted.push(bytes),
  );
  expect([name, blob.size]).toEqual(["parley.json", 3 * SIZE]);
  expect(counted).toEqual([SIZE, 2 * SIZE, 3 * SIZE]);
  const whole = new Uint8Array(await blob.arrayBuffer());
  const ends = [0, 1, 2].flatMap((at) => [whole[at * SIZE], whole[(at + 1) * SIZE - 1]]);
  expect(ends).toEqual([1, 1, 2, 2, 3, 3]);
});

test("a file that breaks off is none", async () => {
  comes({ broken: true });
  const fetched = fetchFile("/file", new AbortController().signal, () => undefined);
  await expect(fetched).rejects.toMatchObject({ reason: "DOWNLOAD_BROKEN" });
});
