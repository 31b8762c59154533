import { ApiError, authorisedFetch, errorOf } from "../../api";

/** What has come so far is handed over to the browser in pieces of this size, which keeps them on disk. */
const PIECE = 4 * 1024 * 1024;

/**
 * Fetches a file that is made as it comes, and tells how many bytes there are so far. Throws ApiError where
 * it is refused or breaks off, and what `signal` was aborted with.
 */
export async function fetchFile(
  path: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<{ blob: Blob; name: string }> {
  const response = await authorisedFetch(new Request(new URL(path, location.origin), { signal }));
  if (!response.ok) throw await errorOf(response);
  const type = response.headers.get("Content-Type") ?? "";
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  let blob = new Blob([], { type });
  let held: Uint8Array<ArrayBuffer>[] = [];
  let heldBytes = 0;
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      held.push(piece.value);
      heldBytes += piece.value.length;
      onBytes(blob.size + heldBytes);
      if (heldBytes < PIECE) continue;
      blob = new Blob([blob, ...held], { type });
      held = [];
      heldBytes = 0;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError({ status: 0, reason: "DOWNLOAD_BROKEN" });
  }
  return { blob: new Blob([blob, ...held], { type }), name: name ?? "parley" };
}

/** Has the browser keep a file where it keeps downloads. */
export function keepFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
