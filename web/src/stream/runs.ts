import { ApiError, isNotFound } from "../api/errors";
import type { Live, Part } from "./live";
import { emptyRun, follows, isLive, type RunIds, type RunState, take } from "./reducer";
import { ConnectionLost, isPassing, Withdrawn } from "./requests";
import { Soon } from "./soon";
import type { AckFrame, EventFrame, ProblemFrame } from "./wire";

interface Entry {
  state: RunState;
  listeners: Set<() => void>;
  /** Whether the gateway sends its events over this connection, as far as is known. */
  followed: boolean;
  /** Whether events are missing, and were asked for. */
  resuming: boolean;
  /** Whether it was read from its beginning once more, since its end was never told. */
  again: boolean;
  retry?: ReturnType<typeof setTimeout>;
  leaving?: ReturnType<typeof setTimeout>;
}

export type EndListener = (state: RunState) => void;

/** A run is followed as long as somebody looks at it, and so much longer. */
const LINGER = 60_000;
const RETRY = 1_000;
const RETRY_REFUSED = 10_000;

/**
 * A run of so many characters is told of a dozen times a second: what each paint costs grows with the answer, and
 * words that come faster are not read one by one. Its beginning is told at once, and so is any run's end.
 */
const LONG = 1_000;
const PACE = 80;

/** The runs that this page looks at, each as an undisturbed reader would have it. */
export class Runs implements Part {
  readonly #live: Live;
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Set<Entry>();
  readonly #endListeners = new Set<EndListener>();
  readonly #telling = new Soon(() => this.#tell());
  #connected = false;

  constructor(live: Live) {
    this.#live = live;
    live.add(this);
  }

  get(runId: string): RunState | undefined {
    return this.#entries.get(runId)?.state;
  }

  /**
   * Look at a run: it is followed from now on. Its listener hears of changes at most once a frame, of a long run less
   * often, and of its end at once.
   */
  watch(runId: string, listener: () => void): () => void {
    const entry = this.#entry(runId);
    clearTimeout(entry.leaving);
    entry.listeners.add(listener);
    this.#follow(entry);
    return () => {
      entry.listeners.delete(listener);
      this.#leaveLater(entry);
    };
  }

  onEnd(listener: EndListener): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** A run that this page has begun: its events come by themselves. */
  begun(runId: string, ids: RunIds): void {
    const known = this.#entries.has(runId);
    const entry = this.#entry(runId, ids, true);
    // Asked again, it comes from its first event; what is known already changes nothing.
    entry.followed = this.#connected;
    if (!known) this.#leaveLater(entry);
  }

  /** End a run with what there is of its answer. Resolves once it has been told. Rejects with ApiError. */
  async stop(runId: string): Promise<void> {
    const entry = this.#entries.get(runId);
    if (entry !== undefined && isLive(entry.state)) this.#put(entry, { stopping: true });
    try {
      await this.#live.ask({ type: "cancel", run_id: runId }).answer;
    } catch (error) {
      if (entry !== undefined && isLive(entry.state)) this.#put(entry, { stopping: false });
      throw error;
    }
  }

  opened(): void {
    this.#connected = true;
    for (const entry of this.#entries.values()) this.#follow(entry);
  }

  lost(): void {
    this.#connected = false;
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.retry);
      entry.followed = false;
      entry.resuming = false;
    }
  }

  stopped(): void {
    this.lost();
    for (const entry of this.#entries.values()) clearTimeout(entry.leaving);
    this.#entries.clear();
  }

  busy(): boolean {
    return [...this.#entries.values()].some((entry) => entry.followed);
  }

  event(frame: EventFrame): void {
    const entry = this.#entries.get(frame.run_id);
    if (entry === undefined || frame.seq <= entry.state.seq) return;
    if (!follows(entry.state, frame)) this.#resume(entry);
    else this.#set(entry, take(entry.state, frame, Date.now()));
  }

  ack({ run_id: runId, ended }: AckFrame): void {
    const entry = this.#entries.get(runId ?? "");
    if (ended && entry && isLive(entry.state)) this.#endedUnheard(entry, entry.state.seq);
  }

  problem(frame: ProblemFrame): void {
    const entry = frame.run_id === undefined ? undefined : this.#entries.get(frame.run_id);
    if (entry === undefined) return;
    entry.followed = false;
    this.#followLater(entry, Math.max(RETRY, (frame.retry_after ?? 0) * 1000));
  }

  #entry(runId: string, ids: RunIds = {}, asked = false): Entry {
    const known = this.#entries.get(runId);
    if (known !== undefined) return known;
    const state = emptyRun(runId, ids, asked);
    const entry = { state, listeners: new Set<() => void>(), ...NOT_FOLLOWED };
    this.#entries.set(runId, entry);
    return entry;
  }

  #follow(entry: Entry): void {
    if (!this.#connected || entry.followed || !isLive(entry.state)) return;
    clearTimeout(entry.retry);
    entry.followed = true;
    void this.#askToFollow(entry, entry.state.seq);
  }

  async #askToFollow(entry: Entry, after: number): Promise<void> {
    const { runId } = entry.state;
    try {
      const ack = await this.#live.askOnce({ type: "follow", run_id: runId, after });
      entry.resuming = false;
      if (ack.ended === true && isLive(entry.state)) this.#endedUnheard(entry, after);
    } catch (error) {
      this.#notFollowed(entry, error);
    }
  }

  /** Nothing is left to send, and yet its end is not known: it is read from its beginning, once. */
  #endedUnheard(entry: Entry, after: number): void {
    entry.followed = false;
    if (after === 0 || entry.again) {
      this.#set(entry, { ...entry.state, status: "gone" });
      return;
    }
    entry.again = true;
    const { runId, asked, sessionId, questionId, answerId } = entry.state;
    entry.state = emptyRun(runId, { sessionId, questionId, answerId }, asked);
    this.#follow(entry);
  }

  #notFollowed(entry: Entry, error: unknown): void {
    // The next connection follows it.
    if (error instanceof ConnectionLost || error instanceof Withdrawn) return;
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === "SUPERSEDED") return;
    entry.followed = false;
    entry.resuming = false;
    if (isNotFound(error)) {
      this.#set(entry, { ...entry.state, status: "gone" });
    } else {
      const least = isPassing(error) ? RETRY : RETRY_REFUSED;
      this.#followLater(entry, Math.max(least, (error.retryAfter ?? 0) * 1000));
    }
  }

  #followLater(entry: Entry, milliseconds: number): void {
    clearTimeout(entry.retry);
    entry.retry = setTimeout(() => this.#follow(entry), milliseconds);
  }

  /** Events are missing: the gateway is asked for all behind the last one. */
  #resume(entry: Entry): void {
    if (entry.resuming) return;
    entry.resuming = true;
    entry.followed = false;
    this.#followLater(entry, RETRY);
  }

  #leaveLater(entry: Entry): void {
    if (entry.listeners.size > 0) return;
    clearTimeout(entry.leaving);
    entry.leaving = setTimeout(() => this.#leave(entry), LINGER);
  }

  #leave(entry: Entry): void {
    const { runId } = entry.state;
    clearTimeout(entry.retry);
    this.#entries.delete(runId);
    if (!entry.followed) return;
    this.#live.askOnce({ type: "unfollow", run_id: runId }).catch((error: unknown) => {
      // With the connection the following has ended as well.
      if (error instanceof ConnectionLost || error instanceof Withdrawn) return;
      // Refused because it is followed again (SUPERSEDED) or is not followed: nothing is left to end.
      if (!(error instanceof ApiError)) throw error;
    });
  }

  #put(entry: Entry, change: Partial<RunState>): void {
    this.#set(entry, { ...entry.state, ...change });
  }

  #set(entry: Entry, state: RunState): void {
    if (state === entry.state) return;
    const ended = isLive(entry.state) && !isLive(state);
    entry.state = state;
    this.#changed.add(entry);
    if (!ended) {
      if (state.text.length + state.reasoning.length < LONG) this.#telling.withFrame();
      else this.#telling.paced(PACE);
      return;
    }
    entry.followed = false;
    this.#telling.now();
    for (const listener of this.#endListeners) listener(state);
  }

  #tell(): void {
    const entries = [...this.#changed];
    this.#changed.clear();
    for (const entry of entries) for (const listener of entry.listeners) listener();
  }
}

const NOT_FOLLOWED = { followed: false, resuming: false, again: false };
