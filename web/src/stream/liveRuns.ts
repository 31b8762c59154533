import type { Notices } from "./notices";
import type { Notice } from "./wire";

export interface SessionRun {
  readonly runId: string;
  readonly sessionId: string;
  readonly questionId: string;
  readonly answerId: string;
  /** Whether it is being written, as far as is known. */
  readonly live: boolean;
  /** It had ended before the live runs were read again: a message that is there is newer. */
  readonly old?: boolean;
  /** How it ended, where that was told. */
  readonly status?: string;
  /** The conversation's run before it: the messages may not have its answer yet. */
  readonly before?: SessionRun;
}

export type SessionRuns = ReadonlyMap<string, SessionRun>;
type NewRun = Omit<SessionRun, "live" | "old" | "status" | "before">;

const RETRY = 5_000;
/** So many conversations' runs are remembered beyond their end. */
const REMEMBERED = 200;

/** Of each conversation the run that is live, or was the last one while this page was open. */
export class LiveRuns {
  readonly #list: () => Promise<NewRun[]>;
  #runs: SessionRuns = new Map();
  readonly #listeners = new Set<() => void>();
  /** What is heard while the list is read holds against it. */
  #meanwhile: (() => void)[] | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading = 0;

  /** `list` reads those that are live. */
  constructor(notices: Notices, list: () => Promise<NewRun[]>) {
    this.#list = list;
    notices.listen((notice) => this.#hear(notice));
  }

  get all(): SessionRuns {
    return this.#runs;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  begun(run: NewRun): void {
    this.#note(() =>
      this.#change((runs) => {
        const before = beforeOf(run, runs.get(run.sessionId));
        runs.set(run.sessionId, { ...run, live: true, ...(before && { before }) });
      }),
    );
  }

  /** `status`: how, where that is known. */
  ended(runId: string, status?: string): void {
    this.#note(() =>
      this.#change((runs) => {
        for (const [sessionId, run] of runs) {
          if (run.runId === runId)
            runs.set(sessionId, { ...run, live: false, ...(status && { status }) });
        }
      }),
    );
  }

  /**
   * Messages of a conversation were deleted: of answers that have ended nothing is to be seen but what is
   * listed. `runId`: the run that was live there, if one was.
   */
  messagesDeleted(sessionId: string, runId?: string): void {
    this.#note(() =>
      this.#change((runs) => {
        const run = runs.get(sessionId);
        if (run === undefined) return;
        const { before: _before, ...rest } = run;
        if (run.live && run.runId !== runId) runs.set(sessionId, rest);
        else runs.delete(sessionId);
      }),
    );
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#reading += 1;
    this.#meanwhile = null;
    this.#change((runs) => runs.clear());
  }

  #hear(notice: Notice): void {
    const { topic, change, session_id: sessionId, run_id: runId } = notice;
    if (topic === "all") {
      void this.#read();
    } else if (topic === "runs" && change === "started") {
      this.#started(notice);
    } else if (topic === "runs" && change === "ended" && runId !== undefined) {
      this.ended(runId, notice.status);
    } else if (topic === "sessions" && change === "messages_deleted" && sessionId !== undefined) {
      this.messagesDeleted(sessionId, runId);
    } else if (topic === "sessions" && (change === "deleted" || change === "cleared")) {
      this.#note(() =>
        this.#change((runs) => (sessionId === undefined ? runs.clear() : runs.delete(sessionId))),
      );
    }
  }

  #started(notice: Notice): void {
    const { run_id: runId, session_id: sessionId } = notice;
    const { question_id: questionId, answer_id: answerId } = notice;
    if (!(runId && sessionId && questionId && answerId)) return;
    // A page that reads slowly may hear of the start of a run whose end it has seen.
    if (this.#runs.get(sessionId)?.runId === runId) return;
    this.begun({ runId, sessionId, questionId, answerId });
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    const reading = ++this.#reading;
    this.#meanwhile ??= [];
    // Whatever has gone on with one of these meanwhile was not heard of: their text may be old.
    const over = new Set([...this.#runs.values()].filter(({ live }) => !live));
    let listed: NewRun[];
    try {
      listed = await this.#list();
    } catch {
      // Nobody waits for it: it is read as soon as it can be.
      if (reading !== this.#reading) return;
      this.#timer = setTimeout(() => void this.#read(), RETRY);
      return;
    }
    if (reading !== this.#reading) return;
    const meanwhile = this.#meanwhile ?? [];
    this.#meanwhile = null;
    this.#change((runs) => {
      for (const [sessionId, run] of runs) {
        const { before: _before, ...rest } = run;
        runs.set(sessionId, { ...rest, live: false, ...(over.has(run) && { old: true }) });
      }
      for (const run of listed) runs.set(run.sessionId, { ...run, live: true });
    });
    for (const again of meanwhile) again();
  }

  #note(change: () => void): void {
    change();
    this.#meanwhile?.push(change);
  }

  #change(change: (runs: Map<string, SessionRun>) => void): void {
    const runs = new Map(this.#runs);
    change(runs);
    for (const [sessionId, run] of runs) {
      if (runs.size <= REMEMBERED) break;
      if (!run.live) runs.delete(sessionId);
    }
    this.#runs = runs;
    for (const listener of this.#listeners) listener();
  }
}

function beforeOf(run: NewRun, last: SessionRun | undefined): SessionRun | undefined {
  if (last === undefined || last.runId === run.runId) return last?.before;
  const { before: _before, ...one } = last;
  return one;
}
