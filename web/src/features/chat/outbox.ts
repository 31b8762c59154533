import { ApiError, api, ok, type Schema } from "../../api";
import { session } from "../../session";
import { type Asking, asks, type Begun, newKey, Withdrawn } from "../../stream";
import type { Attached } from "../files/transfer";
import { uploads } from "../files/uploads";
import { drafts } from "./drafts";

export type NewSession = Schema<"NewSession">;

/** A press of Send, of an edited question's, or of Regenerate, until the messages show what came of it. */
export interface Pending {
  /** Its idempotency key, and the question's key on the page for good. */
  press: string;
  kind: "send" | "edit" | "again";
  content: string;
  /** The draft that has its text until it has begun. */
  draft?: string;
  /** Of an edit the question that it stands beside, of another answer the question of it. */
  messageId?: string;
  status: "sending" | "failed" | "begun";
  error?: unknown;
  begun?: Begun;
  sessionId?: string | undefined;
  /** What a conversation that is made for it is to be like; undefined: as it comes. */
  making?: NewSession | undefined;
  asking?: Partial<Asking>;
  /** The files that go along. */
  attached?: readonly Attached[];
}

type Place = string;

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

  /** Puts it. Resolves when it has begun, or has failed: then it stays, to be tried again. */
  async put(place: Place, given: Omit<Pending, "press" | "status">): Promise<Begun | undefined> {
    const pending: Pending = { ...given, press: newKey(), status: "sending" };
    if (pending.sessionId === undefined) this.#unborn = place;
    if (pending.draft) drafts.sending(pending.draft, pending.press, pending.content);
    this.#set(place, [...this.at(place).filter(({ status }) => status !== "begun"), pending]);
    return this.#try(place, pending);
  }

  /** Tries what has failed once more; `sessionId`: the conversation that was made there meanwhile. */
  async again(place: Place, press: string, sessionId?: string): Promise<Begun | undefined> {
    const pending = this.at(place).find((one) => one.press === press);
    if (pending === undefined || pending.status !== "failed") return undefined;
    // What was to be made for it alone is not wanted any more.
    const meant = sessionId === undefined ? {} : { sessionId, making: undefined };
    const change = { ...meant, status: "sending", error: undefined } as const;
    return this.#try(place, this.#change(place, pending, change));
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
      if (isMade) this.#bear(begun.sessionId, place);
      // Before anybody hears of it: a composer that goes along finds what is typed.
      const madeAs = isMade ? begun.sessionId : undefined;
      if (pending.draft) drafts.acknowledged(pending.draft, pending.press, pending.content, madeAs);
      if (pending.draft) uploads.begun(pending.draft, pending.attached ?? []);
      this.#change(place, current, { status: "begun", begun, sessionId: begun.sessionId });
      return begun;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof Withdrawn)) throw error;
      this.#change(place, current, { status: "failed", error });
      return undefined;
    }
  }

  #bear(sessionId: string, place: Place): void {
    this.#born.set(sessionId, place);
    if (this.#unborn === place) this.#unborn = undefined;
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

function make(session: NewSession, key: string): Promise<Schema<"Session">> {
  return ok(
    api.POST("/api/v1/chat/sessions", {
      body: session,
      params: { header: { "idempotency-key": `${key}-session` } },
    }),
  );
}

function askingOf({ kind, content, sessionId, messageId, asking }: Pending): Asking {
  if (kind === "send") {
    return { ...asking, type: "send", content, ...(sessionId && { session_id: sessionId }) };
  }
  if (sessionId === undefined || messageId === undefined) throw new Error("No message is meant.");
  const at = { session_id: sessionId, message_id: messageId };
  return kind === "edit"
    ? { ...asking, type: "edit", content, ...at }
    : { ...asking, type: "regenerate", ...at };
}

export const outbox = new Outbox();
session.onEnd(() => outbox.clear());
