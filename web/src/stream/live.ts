import { pause } from "./backoff";
import { Connection, type Transport } from "./connection";
import { type Asked, Requests } from "./requests";
import type {
  AckFrame,
  ClientFrame,
  EventFrame,
  NoticeFrame,
  ProblemFrame,
  ServerFrame,
} from "./wire";

export interface Surroundings {
  /** Opens a socket to the gateway. */
  open(): Transport;
  /**
   * A token that is good for some time yet, and is not `refused`. Null: nobody is logged in.
   * Rejects where that cannot be known now.
   */
  token(refused?: string): Promise<string | null>;
  /** From 0 to 1. */
  chance?(): number;
}

export type LiveStatus = "off" | "connecting" | "open" | "waiting";

export interface LiveState {
  readonly status: LiveStatus;
  /** Since when there is no connection, as Date.now() counts; null: there is one, or none is wanted. */
  readonly lostAt: number | null;
}

/** Who wants to know what comes; each method as it happens, in this order after a reconnect. */
export interface Part {
  opened?(): void;
  lost?(): void;
  event?(frame: EventFrame): void;
  notice?(frame: NoticeFrame): void;
  /** An ack that answers nothing that is waited for any more: a run that has ended with nothing left to send. */
  ack?(frame: AckFrame): void;
  /** A problem that answers nothing that is waited for: a run that is not followed any more. */
  problem?(frame: ProblemFrame): void;
  /** The session is over. */
  stopped?(): void;
  /** Whether it expects something soon. */
  busy?(): boolean;
}

/** So often it is looked whether the token has to be another one: in the session's memory, as a rule. */
const RENEWAL = 10_000;

/** The one connection of this page: opened again whenever it breaks, until it is stopped. */
export class Live {
  readonly #around: Surroundings;
  readonly #parts: Part[] = [];
  readonly #requests = new Requests((frame, ref) => this.#connection?.send(frame, ref) ?? false);
  readonly #listeners = new Set<() => void>();
  #state: LiveState = { status: "off", lostAt: null };
  #connection: Connection | null = null;
  /** The one that was shown last. */
  #token: string | undefined;
  #refused: string | undefined;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setInterval> | undefined;
  /** Counts what began; who finds another number has been overtaken. */
  #turn = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get state(): LiveState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(part: Part): void {
    this.#parts.push(part);
  }

  start(): void {
    if (this.#state.status !== "off") return;
    this.#failures = 0;
    this.#refused = undefined;
    void this.#connect();
  }

  /** End the connection for now: what is asked and followed goes on with the next start. */
  suspend(): void {
    if (this.#state.status === "off") return;
    this.#drop();
    this.#set("off");
    this.#tellLost();
  }

  /** End the connection, and all that waits for an answer: the session is over. */
  stop(): void {
    this.suspend();
    this.#requests.giveUp();
    for (const part of this.#parts) part.stopped?.();
  }

  /** The network is back, or somebody looks at the page again. */
  wake(): void {
    if (this.#state.status === "waiting") void this.#connect();
    else this.#connection?.probe();
  }

  ask(frame: ClientFrame): Asked {
    return this.#requests.ask(frame);
  }

  askOnce(frame: ClientFrame): Promise<AckFrame> {
    return this.#requests.askOnce(frame);
  }

  async #connect(): Promise<void> {
    const turn = this.#begin();
    this.#set("connecting");
    const token = await this.#readToken(this.#refused);
    if (turn !== this.#turn) return;
    if (token === null) {
      this.suspend();
      return;
    }
    if (token === undefined) {
      this.#wait(1006);
      return;
    }
    this.#token = token;
    this.#connection = new Connection(
      this.#around.open(),
      token,
      () => this.#requests.size > 0 || this.#parts.some((part) => part.busy?.() ?? false),
      {
        opened: () => this.#opened(),
        heard: (frame) => this.#heard(frame),
        lost: (code) => this.#lost(code),
      },
    );
  }

  /** Undefined: it is not known now. */
  async #readToken(refused?: string): Promise<string | null | undefined> {
    try {
      return await this.#around.token(refused);
    } catch {
      // Not reached: `state` says so, and the session itself.
      return undefined;
    }
  }

  #opened(): void {
    this.#failures = 0;
    this.#refused = undefined;
    this.#set("open");
    this.#renewal = setInterval(() => void this.#renew(), RENEWAL);
    // First what waits from before: the parts ask anew, and that is sent as it is asked.
    this.#requests.opened();
    for (const part of this.#parts) part.opened?.();
  }

  #heard(frame: ServerFrame): void {
    switch (frame.type) {
      case "ack":
        if (this.#requests.heard(frame)) break;
        for (const part of this.#parts) part.ack?.(frame);
        break;
      case "problem":
        if (this.#requests.heard(frame)) break;
        for (const part of this.#parts) part.problem?.(frame);
        break;
      case "event":
        for (const part of this.#parts) part.event?.(frame);
        break;
      case "notice":
        for (const part of this.#parts) part.notice?.(frame);
        break;
    }
  }

  #lost(code: number): void {
    if (code === 4401) this.#refused = this.#token;
    this.#drop();
    this.#wait(code);
    this.#tellLost();
  }

  #tellLost(): void {
    this.#requests.lost();
    for (const part of this.#parts) part.lost?.();
  }

  #wait(code: number): void {
    this.#set("waiting");
    const chance = (this.#around.chance ?? Math.random)();
    this.#timer = setTimeout(() => void this.#connect(), pause(code, this.#failures, chance));
    this.#failures += 1;
  }

  /** Another token is shown in time; streams go on undisturbed. */
  async #renew(): Promise<void> {
    const turn = this.#turn;
    const token = await this.#readToken();
    if (turn !== this.#turn || token === undefined || token === this.#token) return;
    if (token === null) {
      this.suspend();
      return;
    }
    this.#token = token;
    this.#connection?.send({ type: "auth", token }, "renewal");
  }

  #begin(): number {
    clearTimeout(this.#timer);
    clearInterval(this.#renewal);
    this.#turn += 1;
    return this.#turn;
  }

  #drop(): void {
    this.#begin();
    this.#connection?.close();
    this.#connection = null;
  }

  #set(status: LiveStatus): void {
    const without = status === "connecting" || status === "waiting";
    const lostAt = without ? (this.#state.lostAt ?? Date.now()) : null;
    if (status === this.#state.status && lostAt === this.#state.lostAt) return;
    this.#state = { status, lostAt };
    for (const listener of this.#listeners) listener();
  }
}
