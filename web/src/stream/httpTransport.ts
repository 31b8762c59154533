import type { Transport } from "./connection";
import {
  type Call,
  callOf,
  cancelCall,
  eventsOf,
  followCall,
  LOOKS,
  PING,
  problemOf,
  runCall,
  send,
  WHO,
} from "./httpRequests";
import type { ClientFrame, EventFrame } from "./wire";

type Said = ClientFrame & { ref: string };

/** So often it is looked whether something has changed. */
const LOOK = 10_000;
/** So long until it is tried again whether sockets come through. */
const LIFE = 600_000;
/** And so long after that where something is streaming, which is not cut for it. */
const LATER = 60_000;
const BROKEN = 1006;
const REFUSED = 4401;
const REPLACED = 1012;

/**
 * Speaks as the gateway's socket does, over requests and event streams: for networks through which
 * no socket comes. What changes elsewhere is seen later, and as *read again*.
 */
export class HttpTransport implements Transport {
  onopen: Transport["onopen"] = null;
  onmessage: Transport["onmessage"] = null;
  onclose: Transport["onclose"] = null;
  readonly #end = new AbortController();
  readonly #streams = new Map<string, AbortController>();
  #life: ReturnType<typeof setTimeout>;
  #token = "";
  #seen: string | undefined;
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor() {
    queueMicrotask(() => this.#call(this.onopen, new Event("open")));
    this.#life = setTimeout(() => this.#renew(), LIFE);
  }

  send(data: string): void {
    void this.#answer(JSON.parse(data)).catch((error: unknown) => {
      // It is over; or the network is away, as when a socket breaks.
      if (!this.#end.signal.aborted && isOfNetwork(error)) this.#close(BROKEN);
      else if (!this.#end.signal.aborted) throw error;
    });
  }

  close(): void {
    clearTimeout(this.#life);
    clearInterval(this.#looking);
    this.#end.abort();
  }

  async #answer(frame: Said): Promise<void> {
    const { ref } = frame;
    switch (frame.type) {
      case "auth":
        this.#token = frame.token;
        if ((await this.#send(WHO)).ok) this.#says({ type: "ack", ref });
        else this.#close(REFUSED);
        break;
      case "ping":
        await this.#send(PING);
        this.#says({ type: "pong", ref });
        break;
      case "subscribe":
        this.#says({ type: "ack", ref });
        // What has happened behind that notice is not known.
        if (frame.after !== undefined) this.#changed();
        clearInterval(this.#looking);
        // From how it is now.
        await this.#look();
        this.#looking = setInterval(() => void this.#look(), LOOK);
        break;
      case "unfollow":
        this.#streams.get(frame.run_id)?.abort();
        this.#says({ type: "ack", ref, run_id: frame.run_id });
        break;
      case "cancel":
        await this.#acknowledge(cancelCall(frame.run_id), ref);
        break;
      case "follow":
        await this.#follow(frame);
        break;
      default: {
        const { ref: _ref, ...asking } = frame;
        await this.#ask(callOf(asking), ref);
      }
    }
  }

  async #acknowledge(call: Call, ref: string): Promise<void> {
    const response = await this.#send(call);
    this.#says(response.ok ? { type: "ack", ref } : await problemOf(response, ref));
  }

  async #follow(frame: Extract<Said, { type: "follow" }>): Promise<void> {
    const { ref, run_id: runId } = frame;
    const response = await this.#send(followCall(frame));
    if (!response.ok) this.#says(await problemOf(response, ref));
    else if (response.status === 204) this.#says({ type: "ack", ref, run_id: runId, ended: true });
    else {
      this.#says({ type: "ack", ref, run_id: runId });
      await this.#pour(response, ref, runId);
    }
  }

  async #ask(call: Call, ref: string): Promise<void> {
    const response = await this.#send(call);
    const runId = response.headers.get("X-Run-ID");
    if (!response.ok) this.#says(await problemOf(response, ref));
    else if (runId !== null) {
      const { run } = await (await this.#send(runCall(runId))).json();
      const { session_id, question_id, answer_id } = run;
      this.#says({ type: "ack", ref, run_id: runId, session_id, question_id, answer_id });
      // What one has done oneself is not waited for, nor is its end.
      void this.#look();
      await this.#pour(response, ref, runId);
      void this.#look();
    } else {
      const { answer } = await response.json();
      this.#says({ type: "ack", ref, session_id: answer.session_id, message_id: answer.id });
    }
  }

  async #pour(response: Response, ref: string, runId: string): Promise<void> {
    this.#streams.get(runId)?.abort();
    const own = new AbortController();
    this.#streams.set(runId, own);
    let last: EventFrame["event"] | undefined;
    try {
      for await (const event of eventsOf(response, own.signal)) {
        if (own.signal.aborted) return;
        last = event.event;
        this.#says({ type: "event", run_id: runId, ...event });
      }
    } catch (error) {
      if (!isOfNetwork(error)) throw error;
    } finally {
      if (this.#streams.get(runId) === own) this.#streams.delete(runId);
    }
    if (own.signal.aborted || last === "done" || last === "error") return;
    const problem = { status: 503, reason: "STREAM_BROKEN", title: "", detail: "", run_id: runId };
    this.#says({ type: "problem", ref, ...problem });
  }

  async #look(): Promise<void> {
    if (document.hidden) return;
    try {
      const answers = await Promise.all(LOOKS.map((call) => this.#send(call)));
      if (answers.some(({ ok }) => !ok)) return;
      const seen = (await Promise.all(answers.map((answer) => answer.text()))).join();
      if (this.#seen !== undefined && this.#seen !== seen) this.#changed();
      this.#seen = seen;
    } catch (error) {
      // Somebody who asks for something will be told.
      if (!isOfNetwork(error)) throw error;
    }
  }

  #changed(): void {
    this.#says({ type: "notice", topic: "all", change: "read_again" });
  }

  #renew(): void {
    if (this.#streams.size === 0) this.#close(REPLACED);
    else this.#life = setTimeout(() => this.#renew(), LATER);
  }

  #send(call: Call): Promise<Response> {
    return send(call, this.#token, this.#end.signal);
  }

  #says(frame: object): void {
    if (this.#end.signal.aborted) return;
    this.#call(this.onmessage, new MessageEvent("message", { data: JSON.stringify(frame) }));
  }

  #close(code: number): void {
    this.close();
    this.#call(this.onclose, new CloseEvent("close", { code }));
  }

  #call<Ev extends Event>(handler: ((this: WebSocket, ev: Ev) => unknown) | null, event: Ev): void {
    handler?.call(this as unknown as WebSocket, event);
  }
}

/** Fetch tells of a network that is away by a TypeError, and of what was ended by an AbortError. */
function isOfNetwork(error: unknown): boolean {
  return error instanceof TypeError || (error as Error).name === "AbortError";
}
