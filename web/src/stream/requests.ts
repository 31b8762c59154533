import { ApiError } from "../api/errors";
import type { AckFrame, ClientFrame, Problem, ProblemFrame } from "./wire";

/** The connection ended before the answer; only of what is not sent again by itself. */
export class ConnectionLost extends Error {
  constructor() {
    super("The connection ended before the answer.");
    this.name = "ConnectionLost";
  }
}

/** Given up with the session. */
export class Withdrawn extends Error {
  constructor() {
    super("Withdrawn before it was answered.");
    this.name = "Withdrawn";
  }
}

export interface Asked {
  readonly answer: Promise<AckFrame>;
}

type Send = (frame: ClientFrame, ref: string) => boolean;

interface Waiting {
  frame: ClientFrame;
  repeated: boolean;
  /** Since when it is refused for what passes. */
  refusedAt: number | undefined;
  resolve: (ack: AckFrame) => void;
  reject: (error: Error) => void;
  timer?: ReturnType<typeof setTimeout>;
}

/** So long what is only away for the moment is asked again before it is told. */
const PATIENCE = 20_000;
const RETRY = 1_000;
const PASSING = new Set([401, 502, 503, 504]);

/** What was asked over the socket and not answered yet. */
export class Requests {
  readonly #write: Send;
  readonly #waiting = new Map<string, Waiting>();
  #last = 0;

  /** `send` is false where there is no open connection. */
  constructor(send: Send) {
    this.#write = send;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Ask until there is an answer, over as many connections as it takes: `frame` must be one that
   * may come twice. Rejects with ApiError or Withdrawn.
   */
  ask(frame: ClientFrame): Asked {
    return this.#put(frame, true);
  }

  /** Ask over this connection alone. Rejects with ApiError, ConnectionLost or Withdrawn. */
  askOnce(frame: ClientFrame): Promise<AckFrame> {
    return this.#put(frame, false).answer;
  }

  opened(): void {
    for (const ref of [...this.#waiting.keys()]) this.#send(ref);
  }

  lost(): void {
    for (const [ref, waiting] of [...this.#waiting]) {
      if (!waiting.repeated) this.#reject(ref, new ConnectionLost());
    }
  }

  /** Whether the frame answers something that is waited for. */
  heard(frame: AckFrame | ProblemFrame): boolean {
    const ref = frame.ref;
    const waiting = ref === undefined ? undefined : this.#waiting.get(ref);
    if (ref === undefined || waiting === undefined) return false;
    if (frame.type === "ack") {
      this.#forget(ref);
      waiting.resolve(frame);
      return true;
    }
    const pause = Math.max(RETRY, (frame.retry_after ?? 0) * 1000);
    if (waiting.repeated && isPassing(frame) && this.#isPatient(waiting, pause)) {
      waiting.timer = setTimeout(() => this.#send(ref), pause);
    } else {
      this.#reject(ref, new ApiError(frame, frame.retry_after));
    }
    return true;
  }

  giveUp(): void {
    for (const ref of [...this.#waiting.keys()]) this.#reject(ref, new Withdrawn());
  }

  /** Whether another try `pause` from now comes before it has to be told. */
  #isPatient(waiting: Waiting, pause: number): boolean {
    waiting.refusedAt ??= Date.now();
    return Date.now() + pause - waiting.refusedAt <= PATIENCE;
  }

  #put(frame: ClientFrame, repeated: boolean): Asked {
    const ref = `r${++this.#last}`;
    const answer = new Promise<AckFrame>((resolve, reject) => {
      this.#waiting.set(ref, {
        frame,
        repeated,
        refusedAt: undefined,
        resolve,
        reject,
      });
    });
    const sent = this.#send(ref);
    if (!sent && !repeated) this.#reject(ref, new ConnectionLost());
    return { answer };
  }

  #send(ref: string): boolean {
    const waiting = this.#waiting.get(ref);
    if (waiting === undefined) return false;
    clearTimeout(waiting.timer);
    return this.#write(waiting.frame, ref);
  }

  #reject(ref: string, error: Error): void {
    const waiting = this.#waiting.get(ref);
    this.#forget(ref);
    waiting?.reject(error);
  }

  #forget(ref: string): void {
    clearTimeout(this.#waiting.get(ref)?.timer);
    this.#waiting.delete(ref);
  }
}

/** Whether another try may go well in a moment, with nobody doing anything. */
export function isPassing(problem: Pick<Problem, "status" | "reason">): boolean {
  return PASSING.has(problem.status) || problem.reason === "TOO_MANY_AT_ONCE";
}
