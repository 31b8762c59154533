import { type ClientFrame, read, type ServerFrame } from "./wire";

/** The part of a WebSocket that is used. */
export type Transport = Pick<WebSocket, "onopen" | "onmessage" | "onclose" | "send" | "close">;

export interface Listener {
  /** The gateway took the token: whatever is sent now is heard. */
  opened(): void;
  heard(frame: ServerFrame): void;
  /** It is over. `code` is as the gateway gave it, 1006 if it just ended. */
  lost(code: number): void;
}

/** Seconds become milliseconds here alone. */
const SECOND = 1000;
const OPENING = 10 * SECOND;
/** How long nothing is heard before the gateway is asked whether it is there. */
const QUIET_BUSY = 5 * SECOND;
const QUIET_IDLE = 25 * SECOND;
/** How long it has for an answer: 12 s after the last word a busy connection counts as broken. */
const PATIENCE = 7 * SECOND;
const PATIENCE_WOKEN = 3 * SECOND;
const LOOK = 1 * SECOND;
const ENDED_UNHEARD = 1006;
const AUTH = "auth";

/**
 * One socket, from its handshake to its end, which is told once.
 *
 * A browser shows neither the gateway's pings nor that a network is gone, so that silence is
 * asked about by frames of our own.
 */
export class Connection {
  #open = false;
  #over = false;
  #heardAt = Date.now();
  #askedAt: number | null = null;
  #patience = PATIENCE;
  #looking: ReturnType<typeof setInterval>;

  readonly #transport: Transport;
  readonly #busy: () => boolean;
  readonly #listener: Listener;

  /** `busy` says whether something is expected soon, so that silence is asked about sooner. */
  constructor(transport: Transport, token: string, busy: () => boolean, listener: Listener) {
    this.#transport = transport;
    this.#busy = busy;
    this.#listener = listener;
    transport.onopen = () => this.#write({ type: "auth", token }, AUTH);
    transport.onmessage = ({ data }) => this.#hear(data);
    transport.onclose = ({ code }) => this.#end(code);
    this.#looking = setInterval(() => this.#look(), LOOK);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** False: it is not open, and nothing was sent. */
  send(frame: ClientFrame, ref: string): boolean {
    if (!this.#open) return false;
    this.#write(frame, ref);
    return true;
  }

  /** Ask at once whether the gateway is there: the page was asleep, or the network changed. */
  probe(): void {
    if (!this.#open) return;
    this.#ask(PATIENCE_WOKEN);
  }

  /** End it; nothing more is told of it. */
  close(): void {
    if (this.#over) return;
    this.#finish();
    this.#transport.close(1000);
  }

  #hear(data: string): void {
    this.#heardAt = Date.now();
    this.#askedAt = null;
    const frame = read(data);
    if (frame === undefined || frame.type === "pong") return;
    if (frame.type === "ack" && frame.ref === AUTH) {
      if (this.#open) return;
      this.#open = true;
      this.#listener.opened();
    } else {
      this.#listener.heard(frame);
    }
  }

  #look(): void {
    const now = Date.now();
    if (!this.#open) {
      if (now - this.#heardAt >= OPENING) this.#giveUp();
    } else if (this.#askedAt !== null) {
      if (now - this.#askedAt >= this.#patience) this.#giveUp();
    } else if (now - this.#heardAt >= (this.#busy() ? QUIET_BUSY : QUIET_IDLE)) {
      this.#ask(PATIENCE);
    }
  }

  #ask(patience: number): void {
    this.#askedAt ??= Date.now();
    this.#patience = patience;
    this.#write({ type: "ping" }, "ping");
  }

  #write(frame: ClientFrame, ref: string): void {
    this.#transport.send(JSON.stringify({ ...frame, ref }));
  }

  /** A broken network answers no closing handshake either: it is not waited for. */
  #giveUp(): void {
    if (this.#over) return;
    this.#finish();
    this.#transport.close();
    this.#listener.lost(ENDED_UNHEARD);
  }

  #end(code: number): void {
    if (this.#over) return;
    this.#finish();
    this.#listener.lost(code);
  }

  #finish(): void {
    this.#over = true;
    this.#open = false;
    clearInterval(this.#looking);
    this.#transport.onopen = null;
    this.#transport.onmessage = null;
    this.#transport.onclose = null;
  }
}
