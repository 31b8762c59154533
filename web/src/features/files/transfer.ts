import { api, authorisedFetch, errorOf, ok, type Schema, uploading } from "../../api";

export type Limits = Schema<"FileLimits">;
type File_ = Schema<"File">;

/** What is attached to a message, or is about to be. */
export interface Attached {
  id: string;
  name: string;
  kind: string;
  size: number;
  /** What is in it, of a file that is not one's own; as `contentOf`. */
  read?: (signal?: AbortSignal) => Promise<Blob>;
}

export const limitsQuery = {
  queryKey: ["file-limits"],
  staleTime: 300_000,
  queryFn: ({ signal }: { signal: AbortSignal }) => ok(api.GET("/api/v1/files/limits", { signal })),
};

/** Sends a file; `onProgress` hears what share of it has gone. Throws ApiError, or what `signal` says. */
export async function upload(
  file: File,
  key: string,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Attached> {
  const form = new FormData();
  form.append("file", file, file.name);
  const headers = { "Idempotency-Key": key };
  const answer = await uploading("/api/v1/files", form, { headers, onProgress, signal });
  if (!answer.ok) throw await errorOf(answer);
  const { id, name, kind, size }: File_ = await answer.json();
  return { id, name, kind, size };
}

/** Has the server keep a file that nothing refers to for another hour. Throws ApiError, 404 where it is gone. */
export async function hold(id: string): Promise<void> {
  await ok(api.GET("/api/v1/files/{file_id}", { params: { path: { file_id: id } } }));
}

/** What is in a file. Throws ApiError. */
export async function contentOf({ id, read }: Attached, signal?: AbortSignal): Promise<Blob> {
  if (read !== undefined) return read(signal);
  const address = new URL(`/api/v1/files/${encodeURIComponent(id)}/content`, location.origin);
  const answer = await authorisedFetch(new Request(address, signal ? { signal } : {}));
  if (!answer.ok) throw await errorOf(answer);
  return answer.blob();
}

/** Has the browser keep a file under its name. */
export async function download(file: Attached): Promise<void> {
  const address = URL.createObjectURL(await contentOf(file));
  const link = document.createElement("a");
  link.href = address;
  link.download = file.name;
  link.click();
  // The browser has it by then, or has begun to read it.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Whether a file is a picture that is shown. */
export const isPicture = ({ kind }: Pick<Attached, "kind">) =>
  kind === "png" || kind === "jpeg" || kind === "webp" || kind === "gif";
