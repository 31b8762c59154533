import type { Live } from "./live";
import type { LiveRuns } from "./liveRuns";
import type { Runs } from "./runs";
import type { AckFrame, Asking } from "./wire";

/** What became of a question that was put, or of a message that was edited. */
export interface Begun {
  sessionId: string;
  /** Null: an answer was edited, which begins no run. */
  run: { id: string; questionId: string; answerId: string } | null;
  /** The answer that was put beside the edited one. */
  messageId: string | null;
}

export interface Press {
  /** Rejects with ApiError, or with Withdrawn. */
  readonly begun: Promise<Begun>;
}

/**
 * Puts a question: once, however often the connection breaks before the gateway has it, since
 * whatever is sent again bears the same key.
 */
export class Asks {
  readonly #live: Live;
  readonly #runs: Runs;
  readonly #liveRuns: LiveRuns;

  constructor(live: Live, runs: Runs, liveRuns: LiveRuns) {
    this.#live = live;
    this.#runs = runs;
    this.#liveRuns = liveRuns;
  }

  /** `key` is that of one press of a button; the same for another try of what was refused. */
  begin(asking: Asking, key: string = newKey()): Press {
    const asked = this.#live.ask({ ...asking, idempotency_key: key });
    return { begun: asked.answer.then((ack) => this.#begun(ack)) };
  }

  #begun(ack: AckFrame): Begun {
    const sessionId = given(ack.session_id);
    if (ack.run_id === undefined) {
      return { sessionId, run: null, messageId: ack.message_id ?? null };
    }
    const questionId = given(ack.question_id);
    const answerId = given(ack.answer_id);
    this.#runs.begun(ack.run_id, { sessionId, questionId, answerId });
    this.#liveRuns.begun({ runId: ack.run_id, sessionId, questionId, answerId });
    return { sessionId, run: { id: ack.run_id, questionId, answerId }, messageId: null };
  }
}

function given(id: string | undefined): string {
  if (id === undefined) throw new Error("The gateway's ack lacks an id.");
  return id;
}

/** An idempotency key: 128 bits of chance, also where a page is not served over TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
