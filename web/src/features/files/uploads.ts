import { ApiError, isNotFound } from "../../api";
import { session } from "../../session";
import { newKey } from "../../stream";
import { forget, keep, kept } from "./storedFiles";
import { type Attached, hold, type Limits, upload } from "./transfer";

/** A file that was chosen for a question that is being written. */
export interface Chosen {
  id: string;
  name: string;
  size: number;
  status: "waiting" | "sending" | "failed" | "ready";
  /** Of what has been sent, 0 to 1. */
  share: number;
  error?: unknown;
  /** What the server has made of it. */
  attached?: Attached | undefined;
  /** Of a picture that was chosen on this page: what it looks like. */
  preview?: string;
}

interface Entry extends Chosen {
  file?: File;
  ending: AbortController;
}

/** How large a file is taken, and how many with one question. */
type Bounds = Pick<Limits, "maximum_bytes" | "maximum_attachments">;
/** Of each user the server takes a few at once. */
const AT_ONCE = 3;
/** How often the server is told that a file is still wanted, which it keeps for an hour. */
export const HELD_EVERY = 20 * 60_000;
const NONE: readonly Entry[] = [];

/**
 * The files chosen for each draft: they are sent at once, and stand beside what is typed until their question
 * has begun. Those that the server has are remembered, as drafts are: for a later page, and not for another.
 */
export class Uploads {
  readonly #places = new Map<string, readonly Entry[]>();
  readonly #listeners = new Set<() => void>();
  /** Of each place what questions have taken that have not begun yet. */
  readonly #taken = new Map<string, readonly Attached[]>();
  #holding: ReturnType<typeof setInterval> | undefined;

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  at(place: string): readonly Chosen[] {
    return this.#at(place);
  }

  /** Takes files for a question, as many as it has room for, and begins to send them; gives how many those are. */
  add(place: string, files: readonly File[], limits: Bounds): number {
    const room = Math.max(0, limits.maximum_attachments - this.#at(place).length);
    const added = files.slice(0, room).map((file): Entry => {
      const refused =
        file.size === 0
          ? new ApiError({ status: 422, reason: "FILE_EMPTY" })
          : file.size > limits.maximum_bytes
            ? new ApiError({ status: 413, reason: "FILE_TOO_LARGE" })
            : undefined;
      return {
        id: newKey(),
        name: file.name,
        size: file.size,
        share: 0,
        file,
        ending: new AbortController(),
        ...(refused ? { status: "failed", error: refused } : { status: "waiting" }),
        // What it is said to be matters to nobody but who has chosen it.
        ...(file.type.startsWith("image/") && { preview: URL.createObjectURL(file) }),
      };
    });
    this.#set(place, [...this.#at(place), ...added]);
    this.#next();
    return added.length;
  }

  /** Sends what has failed once more. */
  again(place: string, id: string): void {
    this.#change(place, id, { status: "waiting", share: 0, error: undefined });
    this.#next();
  }

  /** Takes a file away again. What the server has it does not keep where nothing refers to it. */
  remove(place: string, id: string): void {
    const gone = this.#at(place).find((one) => one.id === id);
    if (gone) end(gone);
    this.#set(
      place,
      this.#at(place).filter((one) => one !== gone),
    );
    this.#next();
  }

  /** What goes along with a question, all of which is there. It is remembered until that has `begun`. */
  take(place: string): readonly Attached[] {
    const entries = this.#at(place);
    const taken = entries.flatMap(({ attached }) => (attached ? [attached] : []));
    for (const one of entries) end(one);
    if (taken.length > 0) this.#taken.set(place, [...(this.#taken.get(place) ?? []), ...taken]);
    this.#set(place, NONE);
    return taken;
  }

  /** The question that took them has begun: they are its own. `place` may be another draft's by now. */
  begun(place: string, taken: readonly Attached[]): void {
    this.#untake(place, taken);
    // What is chosen there another page may have changed.
    forget(place, taken, this.#taken.get(place));
  }

  /** Puts back what a question took that does not begin. */
  putBack(place: string, taken: readonly Attached[]): void {
    this.#untake(place, taken);
    const known = new Set(this.#at(place).map(({ attached }) => attached?.id));
    const back = taken.filter((one) => !known.has(one.id)).map(ready);
    this.#set(place, [...back, ...this.#at(place)]);
  }

  /** What a question took that has not begun is of another draft: of the conversation that was made. */
  moveTaken(from: string, to: string, taken: readonly Attached[]): void {
    if (taken.length === 0) return;
    this.#untake(from, taken);
    this.#taken.set(to, [...(this.#taken.get(to) ?? []), ...taken]);
    for (const place of [from, to]) this.#set(place, this.#at(place));
  }

  /** What was chosen for a conversation that was not made yet is for it now. */
  move(from: string, to: string): void {
    const moved = this.#at(from);
    if (moved.length === 0) return;
    this.#set(from, NONE);
    this.#set(to, [...this.#at(to), ...moved]);
  }

  clear(): void {
    for (const one of [...this.#places.values()].flat()) end(one);
    clearInterval(this.#holding);
    this.#holding = undefined;
    this.#places.clear();
    this.#taken.clear();
    this.#tell();
  }

  #at(place: string): readonly Entry[] {
    let known = this.#places.get(place);
    if (known === undefined) {
      const there = kept(place).map(ready);
      known = there.length === 0 ? NONE : there;
      this.#places.set(place, known);
      // They may have lain here for long.
      this.#hold(known);
    }
    return known;
  }

  /** Begins to send what waits, as far as there is room. */
  #next(): void {
    const all = [...this.#places].flatMap(([place, entries]) =>
      entries.map((one) => [place, one] as const),
    );
    const room = AT_ONCE - all.filter(([, { status }]) => status === "sending").length;
    for (const [place, one] of all
      .filter(([, { status }]) => status === "waiting")
      .slice(0, room)) {
      this.#change(place, one.id, { status: "sending" });
      void this.#send(one);
    }
  }

  async #send({ id, file, ending }: Entry): Promise<void> {
    if (file === undefined) return;
    const change = (to: Partial<Entry>) => this.#changeWherever(id, to);
    try {
      const attached = await upload(file, id, (share) => change({ share }), ending.signal);
      change({ status: "ready", share: 1, attached, size: attached.size });
      this.#holdFromNowOn();
    } catch (error) {
      if (!ending.signal.aborted) change({ status: "failed", error });
    }
    this.#next();
  }

  /** Has the server keep them; those that it has no more are marked. Whatever else fails is tried next time. */
  #hold(entries: readonly Entry[]): void {
    for (const { id, attached } of entries)
      if (attached)
        hold(attached.id).catch((error: unknown) => {
          if (isNotFound(error))
            this.#changeWherever(id, { status: "failed", error, attached: undefined });
        });
    if (entries.some(({ attached }) => attached)) this.#holdFromNowOn();
  }

  #holdFromNowOn(): void {
    this.#holding ??= setInterval(() => {
      this.#hold([...this.#places.values()].flat());
      // Who waits for a turn, or for a word, waits for as long as that takes.
      for (const one of [...this.#taken.values()].flat()) hold(one.id).catch(() => undefined);
    }, HELD_EVERY);
  }

  /** It may have moved meanwhile, or been taken away. */
  #changeWherever(id: string, change: Partial<Entry>): void {
    for (const [place, entries] of this.#places)
      if (entries.some((one) => one.id === id)) this.#change(place, id, change);
  }

  #change(place: string, id: string, change: Partial<Entry>): void {
    this.#set(
      place,
      this.#at(place).map((one) => (one.id === id ? { ...one, ...change } : one)),
    );
  }

  #untake(place: string, taken: readonly Attached[]): void {
    const left = (this.#taken.get(place) ?? []).filter((one) => !taken.includes(one));
    if (left.length > 0) this.#taken.set(place, left);
    else this.#taken.delete(place);
  }

  #set(place: string, entries: readonly Entry[]): void {
    this.#places.set(place, entries.length === 0 ? NONE : entries);
    const chosen = entries.flatMap(({ attached }) => (attached ? [attached] : []));
    keep(place, chosen, this.#taken.get(place));
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function ready(attached: Attached): Entry {
  const { name, size } = attached;
  const ending = new AbortController();
  return { id: newKey(), name, size, status: "ready", share: 1, attached, ending };
}

function end({ ending, preview }: Entry): void {
  ending.abort();
  if (preview !== undefined) URL.revokeObjectURL(preview);
}

export const uploads = new Uploads();
session.onEnd(() => uploads.clear());
