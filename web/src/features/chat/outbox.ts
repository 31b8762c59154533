import { ApiError } from "../../api";
import { session } from "../../session";
import { asks, type Begun, liveRuns, newKey, type SessionRun, Withdrawn } from "../../stream";
import { uploads } from "../files/uploads";
import { drafts } from "./drafts";
import { askingOf, make, type Pending } from "./pending";

type Place = string;

/** A question that was put while another is on its way looks so soon whether it can go. */
const AGAIN = 1_000;
/** What is queued behind an answer that ended so may be meant otherwise: it is sent when that is said. */
const HOLDING = new Set<string | undefined>(["failed", "interrupted"]);

/**
 * What was pressed and is not among the messages yet, by place: a conversation on the page. It
 * outlives the page's parts, so that going elsewhere and back loses nothing.
 */
export class Outbox {
  readonly #places = new Map<Place, readonly Pending[]>();
  readonly #listeners = new Set<() => void>();
  readonly #questionKeys = new Map<string, string>();
  readonly #born = new Map<string, Place>();
  /** Where the first question of a conversation that is not made yet was asked last. */
  #unborn: Place | undefined;

  constructor() {
    liveRuns.subscribe(() => this.#goOn());
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  at(place: Place): readonly Pending[] {
    return this.#places.get(place) ?? NONE;
  }

  /** The key of a question's element: the one it had before it was known by an id. */
  keyOf(questionId: string): string {
    return this.#questionKeys.get(questionId) ?? questionId;
  }

  /**
   * The place of a conversation, the same from before it is made; of a new one that in which a
   * question is on its way or was not sent, else one of its own.
   */
  placeOf(sessionId: string | undefined): Place {
    if (sessionId !== undefined) return this.#born.get(sessionId) ?? sessionId;
    const place = this.#unborn;
    const waits = place !== undefined && this.at(place).some(({ status }) => status !== "begun");
    return waits ? place : newKey();
  }

  /**
   * Puts it. Resolves when it has begun, or has failed: then it stays, to be tried again. A question is
   * queued while another is on its way or is being answered, and goes by itself behind it.
   */
  async put(
    place: Place,
    given: Omit<Pending, "press" | "status" | "held">,
  ): Promise<Begun | undefined> {
    const waits = given.kind === "send" && this.waits(place, given.sessionId);
    const held = waits && this.at(place).some((one) => one.held);
    const status = waits ? "queued" : "sending";
    const pending: Pending = { ...given, press: newKey(), status, ...(held && { held }) };
    if (pending.sessionId === undefined) this.#unborn = place;
    if (pending.draft) drafts.sending(pending.draft, pending.press, pending.content);
    const others = waits ? this.at(place) : this.at(place).filter(isNotBegun);
    this.#set(place, [...others, pending]);
    return waits ? undefined : this.#try(place, pending);
  }

  /** Tries what has failed once more; `sessionId`: the conversation that was made there meanwhile. */
  async again(place: Place, press: string, sessionId?: string): Promise<Begun | undefined> {
    const pending = this.at(place).find((one) => one.press === press);
    if (pending === undefined || pending.status !== "failed") return undefined;
    this.#hold(place, false);
    if (pending.kind === "send" && this.#isBusy(place, sessionId)) {
      this.#change(place, pending, { status: "queued", error: undefined });
      return undefined;
    }
    return this.#send(place, pending, sessionId);
  }

  /** Sends the first of what is held back; the rest follows by itself. */
  sendHeld(place: Place): void {
    const next = this.at(place).find(({ status }) => status === "queued");
    if (next === undefined) return;
    this.#hold(place, false);
    void this.#send(place, next, this.#sessionOf(place, next));
  }

  drop(place: Place, press: string): void {
    const dropped = this.at(place).find((one) => one.press === press);
    if (dropped?.draft) drafts.acknowledged(dropped.draft, press, dropped.content);
    this.#set(
      place,
      this.at(place).filter((one) => one.press !== press),
    );
  }

  /** Forgets those that the messages show, or that another path has left behind. */
  settle(place: Place, isShown: (pending: Pending) => boolean): void {
    const left = this.at(place).filter((one) => one.status !== "begun" || !isShown(one));
    if (left.length < this.at(place).length) this.#set(place, left);
  }

  clear(): void {
    this.#places.clear();
    this.#born.clear();
    this.#unborn = undefined;
    this.#tell();
  }

  /** Whether another question there would be queued. */
  waits(place: Place, sessionId: string | undefined): boolean {
    const queued = this.at(place).some(({ status }) => status === "queued");
    return queued || this.#isBusy(place, sessionId);
  }

  #isBusy(place: Place, sessionId: string | undefined): boolean {
    const isSending = this.at(place).some(({ status }) => status === "sending");
    return isSending || (sessionId !== undefined && liveRuns.all.get(sessionId)?.live === true);
  }

  #sessionOf(place: Place, pending: Pending): string | undefined {
    const born = [...this.#born].find(([, at]) => at === place)?.[0];
    return pending.sessionId ?? born;
  }

  /** Sends what is queued and can go. */
  #goOn(): void {
    for (const [place, all] of [...this.#places]) {
      const next = all.find(isNotBegun);
      if (next === undefined || next.status !== "queued") continue;
      const sessionId = this.#sessionOf(place, next);
      const run = sessionId === undefined ? undefined : liveRuns.all.get(sessionId);
      if (run?.live || isHeld(next, run)) continue;
      // The messages may not have the one before yet, and it goes on to be shown.
      const left = all.filter((one) => isNotBegun(one) || one.begun?.run?.id === run?.runId);
      this.#set(place, left);
      void this.#send(place, next, sessionId);
    }
  }

  /** `sessionId`: what was to be made for it alone is not wanted any more. */
  #send(place: Place, pending: Pending, sessionId?: string): Promise<Begun | undefined> {
    const meant = sessionId === undefined ? {} : { sessionId, making: undefined };
    const change = { ...meant, status: "sending", error: undefined, held: false } as const;
    return this.#try(place, this.#change(place, pending, change));
  }

  async #try(place: Place, pending: Pending): Promise<Begun | undefined> {
    let current = pending;
    try {
      if (current.sessionId === undefined && current.making !== undefined) {
        const made = await make(current.making, current.press);
        current = this.#change(place, current, { sessionId: made.id });
      }
      const begun = await asks.begin(askingOf(current), current.press).begun;
      if (pending.kind !== "again" && begun.run) {
        this.#questionKeys.set(begun.run.questionId, pending.press);
      }
      const isMade = pending.sessionId === undefined || pending.making !== undefined;
      // Before anybody hears of it: a composer that goes along finds what is typed.
      const madeAs = isMade ? begun.sessionId : undefined;
      const { draft } = this.at(place).find(({ press }) => press === pending.press) ?? pending;
      if (draft) drafts.acknowledged(draft, pending.press, pending.content, madeAs);
      if (draft) uploads.begun(draft, pending.attached ?? []);
      if (isMade) this.#bear(begun.sessionId, place, pending);
      this.#change(place, current, { status: "begun", begun, sessionId: begun.sessionId });
      this.#goOn();
      return begun;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof Withdrawn)) throw error;
      if (pending.kind === "send" && isBusy(error)) {
        // Another screen was quicker.
        this.#change(place, current, { status: "queued" });
        setTimeout(() => this.#goOn(), AGAIN);
        return undefined;
      }
      this.#change(place, current, { status: "failed", error });
      this.#hold(place, true);
      return undefined;
    }
  }

  /** A conversation was made for `first`: it is that of what is queued behind it, too. */
  #bear(sessionId: string, place: Place, first: Pending): void {
    this.#born.set(sessionId, place);
    if (this.#unborn === place) this.#unborn = undefined;
    for (const one of this.at(place)) {
      if (one.press === first.press || !one.draft || one.draft !== first.draft) continue;
      drafts.move(one.draft, one.press, sessionId);
      uploads.moveTaken(one.draft, sessionId, one.attached ?? []);
      this.#change(place, one, { draft: sessionId });
    }
  }

  #hold(place: Place, held: boolean): void {
    for (const one of this.at(place)) {
      if (one.status === "queued" && (one.held ?? false) !== held)
        this.#change(place, one, { held });
    }
  }

  #change(place: Place, pending: Pending, change: Partial<Pending>): Pending {
    const changed = { ...pending, ...change };
    this.#set(
      place,
      this.at(place).map((one) => (one.press === pending.press ? changed : one)),
    );
    return changed;
  }

  #set(place: Place, pending: readonly Pending[]): void {
    if (pending.length === 0) this.#places.delete(place);
    else this.#places.set(place, pending);
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const NONE: readonly Pending[] = [];

const isNotBegun = ({ status }: Pending) => status !== "begun";

const isBusy = (error: ApiError | Withdrawn) =>
  error instanceof ApiError && error.reason === "RUN_IN_PROGRESS";

/** Whether what is queued waits for a word: `run` is the last of its conversation. */
export const isHeld = ({ held }: Pending, run: SessionRun | undefined): boolean =>
  held === true || (run !== undefined && !run.live && HOLDING.has(run.status));

export const outbox = new Outbox();
session.onEnd(() => outbox.clear());
