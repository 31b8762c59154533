import type { Transport } from "../connection";
import type { ClientFrame, RunEvent } from "../wire";

type Said = ClientFrame & { ref: string };

/** A socket whose other end is the test: the one thing here that is not the real one. */
export class FakeSocket implements Transport {
  onopen: Transport["onopen"] = null;
  onmessage: Transport["onmessage"] = null;
  onclose: Transport["onclose"] = null;
  readonly said: Said[] = [];
  closed = false;
  /** What the network does with frames of the page; false: they are lost. */
  hears: (frame: Said) => boolean = () => true;

  send(data: string): void {
    const frame = JSON.parse(data) as Said;
    if (this.hears(frame)) this.said.push(frame);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.#call(this.onopen, new Event("open"));
  }

  says(frame: object): void {
    this.#call(this.onmessage, new MessageEvent("message", { data: JSON.stringify(frame) }));
  }

  ends(code: number): void {
    this.closed = true;
    this.#call(this.onclose, Object.assign(new Event("close"), { code }) as CloseEvent);
  }

  /** The newest frame of this kind that was heard. */
  last<Kind extends Said["type"]>(type: Kind): Extract<Said, { type: Kind }> | undefined {
    return this.said.findLast((frame) => frame.type === type) as never;
  }

  ack(frame: { ref: string } | undefined, more: object = {}): void {
    if (frame === undefined) throw new Error("There is nothing to answer.");
    this.says({ type: "ack", ref: frame.ref, ...more });
  }

  refuse(frame: { ref: string } | undefined, status: number, reason: string, more = {}): void {
    if (frame === undefined) throw new Error("There is nothing to refuse.");
    const problem = { status, reason, title: "", detail: reason, request_id: "q" };
    this.says({ type: "problem", ref: frame.ref, ...problem, ...more });
  }

  event(runId: string, event: RunEvent): void {
    this.says({ type: "event", run_id: runId, ...event });
  }

  #call<Ev extends Event>(handler: ((this: WebSocket, ev: Ev) => unknown) | null, event: Ev): void {
    handler?.call(this as unknown as WebSocket, event);
  }
}

/** A run's log, as the gateway would send it: numbered from 1. */
export function log(words: string[], end: "done" | "error" | null = "done"): RunEvent[] {
  const events: RunEvent[] = [
    { seq: 1, event: "start", data: { run_id: "run", session_id: "s", model: "demo" } },
    ...words.map((text, at): RunEvent => ({ seq: at + 2, event: "delta", data: { text } })),
  ];
  const seq = events.length + 1;
  if (end === "done") {
    const data = {
      status: "completed",
      finish_reason: "stop",
      message_id: "a",
      saved: true,
    } as const;
    events.push({ seq, event: "done", data });
  } else if (end === "error") {
    const problem = { status: 502, reason: "PROVIDER_FAILED", title: "", detail: "" };
    events.push({ seq, event: "error", data: { problem, message_id: "a", saved: true } });
  }
  return events;
}
