import { createParser } from "eventsource-parser";
import type { Asking, ClientFrame, EventFrame, ProblemFrame } from "./wire";

const API = "/api/v1";
const CHAT = `${API}/chat`;
/** The gateway says something on a stream every five seconds. */
const SILENT = 12_000;

type Asked = Asking & { idempotency_key: string };

export interface Call {
  method: "GET" | "POST";
  path: string;
  body?: object;
  /** Of an effect that is to happen once. */
  once?: string;
}

/** What asks the same by REST. */
export function callOf(frame: Asked): Call {
  const { type: _type, idempotency_key: once, ...asked } = frame;
  const call = { method: "POST", once } as const;
  if ("run_id" in asked) return { ...call, path: `${CHAT}/runs/${asked.run_id}/continue` };
  const { session_id: session, ...body } = asked;
  if (!("message_id" in body)) {
    const path =
      session === undefined ? `${CHAT}/messages` : `${CHAT}/sessions/${session}/messages`;
    return { ...call, path, body };
  }
  const { message_id: message, ...rest } = body;
  const to = frame.type === "edit" ? "edit" : "regenerate";
  return { ...call, path: `${CHAT}/sessions/${session}/messages/${message}/${to}`, body: rest };
}

export const followCall = ({ run_id, after }: Extract<ClientFrame, { type: "follow" }>): Call => ({
  method: "GET",
  path: `${CHAT}/runs/${run_id}/events?after=${after}`,
});

export const runCall = (runId: string): Call => ({ method: "GET", path: `${CHAT}/runs/${runId}` });

export const cancelCall = (runId: string): Call => ({
  method: "POST",
  path: `${CHAT}/runs/${runId}/cancel`,
});

/** By these it is seen that something has changed. */
export const LOOKS: Call[] = [
  { method: "GET", path: `${CHAT}/sessions?limit=1` },
  { method: "GET", path: `${CHAT}/runs?live=true` },
];
export const WHO: Call = { method: "GET", path: `${API}/me` };
export const PING: Call = { method: "GET", path: "/healthz" };

export function send(call: Call, token: string, signal: AbortSignal): Promise<Response> {
  const headers = new Headers({
    Authorization: `Bearer ${token}`,
    Accept: "text/event-stream, application/json",
  });
  if (call.once !== undefined) headers.set("Idempotency-Key", call.once);
  if (call.body !== undefined) headers.set("Content-Type", "application/json");
  const body = call.body === undefined ? null : JSON.stringify(call.body);
  return fetch(call.path, { method: call.method, headers, body, signal });
}

/** What a refusal says, as a frame. */
export async function problemOf(response: Response, ref: string): Promise<ProblemFrame> {
  const { status } = response;
  let problem: object = {};
  try {
    problem = await response.json();
  } catch {
    // Something in between answers in words of its own: the status is all there is.
  }
  const seconds = Number(response.headers.get("Retry-After"));
  const told = { reason: "UNKNOWN", title: "", detail: "", ...problem };
  return { ...told, type: "problem", ref, status, ...(seconds > 0 && { retry_after: seconds }) };
}

type Event = Pick<EventFrame, "seq" | "event" | "data">;

/** The events of a run until its stream ends, breaks, is silent for too long, or `left` is aborted. */
export async function* eventsOf(response: Response, left: AbortSignal): AsyncGenerator<Event> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let events: Event[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) =>
      events.push({ seq: Number(id), event, data: JSON.parse(data) } as Event),
  });
  const decoder = new TextDecoder();
  const cancel = () => void reader.cancel().catch(() => undefined);
  left.addEventListener("abort", cancel);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    while (true) {
      timer = setTimeout(cancel, SILENT);
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* events;
      events = [];
    }
  } finally {
    clearTimeout(timer);
    cancel();
  }
}
