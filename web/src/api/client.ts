import createClient, { type Middleware } from "openapi-fetch";
import { ApiError, errorOf } from "./errors";
import type { paths } from "./schema";

/** Who gives the access token, and another one when it was refused. */
export interface TokenSource {
  /** The token to send; undefined when nobody is logged in. */
  current(): Promise<string | undefined>;
  /** A token that is not `refused`; undefined when there is none to be had. */
  renew(refused: string): Promise<string | undefined>;
}

let source: TokenSource = { current: async () => undefined, renew: async () => undefined };

/** Says where tokens come from; session/ does so once. */
export function takeTokensFrom(tokens: TokenSource): void {
  source = tokens;
}

/**
 * Fetches with the access token, once more with a new one when it is refused.
 * Throws ApiError with status 0 when the server is not reached; other statuses are returned.
 */
export async function authorisedFetch(request: Request): Promise<Response> {
  const token = await source.current();
  const again = token === undefined ? undefined : request.clone();
  const response = await reach(request, token);
  if (response.status !== 401 || token === undefined || again === undefined) return response;
  const renewed = await source.renew(token);
  return renewed === undefined ? response : reach(again, renewed);
}

async function reach(request: Request, token: string | undefined): Promise<Response> {
  if (token !== undefined) request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ApiError({ status: 0 });
  }
}

interface Uploading {
  headers: Readonly<Record<string, string>>;
  /** Hears what share of the body has gone. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** Posts a form as `authorisedFetch` does; only XMLHttpRequest tells how far it has come. */
export async function uploading(path: string, form: FormData, terms: Uploading): Promise<Response> {
  const token = await source.current();
  const response = await send(path, form, terms, token);
  if (response.status !== 401 || token === undefined) return response;
  const renewed = await source.renew(token);
  return renewed === undefined ? response : send(path, form, terms, renewed);
}

function send(
  path: string,
  form: FormData,
  { headers, onProgress, signal }: Uploading,
  token: string | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (token !== undefined) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const waiting = request.getResponseHeader("Retry-After");
      const told = waiting === null ? {} : { headers: { "Retry-After": waiting } };
      resolve(new Response(request.responseText, { status: request.status, ...told }));
    };
    request.onerror = () => reject(new ApiError({ status: 0 }));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

const throwing: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await errorOf(response);
  },
};

/** The API, typed by its document: `await ok(api.GET("/api/v1/me"))`. Refusals throw ApiError. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  fetch: authorisedFetch,
});
api.use(throwing);

/** The body of an answer that arrived; refusals have been thrown before. */
export async function ok<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  return (await answer).data as T;
}
