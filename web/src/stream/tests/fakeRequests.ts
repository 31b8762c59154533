import { vi } from "vitest";
import { HttpTransport } from "../httpTransport";
import { Live } from "../live";
import { Runs } from "../runs";
import type { RunEvent } from "../wire";

export const RUN = { id: "run", session_id: "s", question_id: "q", answer_id: "a" };

interface Asked {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}

const AS_EVENTS = { "content-type": "text/event-stream" };

export const events = (some: RunEvent[]) =>
  some
    .map(({ seq, event, data }) => `id: ${seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    .join("");

export const stream = (some: RunEvent[], headers = {}) =>
  new Response(events(some), { headers: { ...AS_EVENTS, ...headers } });

/** A stream that says what is pushed to it; `left` is called where nobody reads on. */
export class OpenStream {
  readonly left = vi.fn();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  readonly response = () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: this.left,
    });
    return new Response(body, { headers: AS_EVENTS });
  };

  say(bytes: string | Uint8Array): void {
    if (this.left.mock.calls.length > 0) return;
    this.#controller?.enqueue(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
  }

  end(): void {
    this.#controller?.close();
  }
}

/** A gateway that answers requests alone, and a page that speaks with it; `answers` by method and path. */
export function fakeRequests() {
  const asked: Asked[] = [];
  const answers: Record<string, (asked: Request) => Response | Promise<Response>> = {
    "GET /api/v1/me": () => Response.json({}),
    "GET /healthz": () => Response.json({}),
    "GET /api/v1/chat/runs/run": () => Response.json({ run: RUN }),
    "GET /api/v1/chat/sessions?limit=1": () => Response.json({ items: [] }),
    "GET /api/v1/chat/runs?live=true": () => Response.json({ items: [] }),
  };
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const request = new Request(new URL(path, "http://localhost"), init);
    const body = typeof init.body === "string" ? JSON.parse(init.body) : null;
    asked.push({ method: request.method, path, headers: request.headers, body });
    const answer = answers[`${request.method} ${path}`];
    return answer ? answer(request) : Response.json({ reason: "NOT_FOUND" }, { status: 404 });
  });
  const live = new Live({
    open: () => new HttpTransport(),
    token: async () => "t",
    chance: () => 0,
  });
  return { asked, answers, live, runs: new Runs(live) };
}
