import type { Schema } from "../../api";
import { ApiError, isNotFound } from "../../api/errors";

export type Note = Schema<"Note">;
/** What can be written in a note. */
export type Text = Pick<Note, "title" | "content" | "tags" | "pinned">;

/**
 * saved: the server has all of it. writing: it will soon. failed: not reached, or refused; it is
 * tried again. conflict: somebody else has changed the same meanwhile. gone: the note is deleted.
 */
export interface Saving {
  status: "saved" | "writing" | "failed" | "conflict" | "gone";
  error: unknown;
  /** In a conflict, the note as it is at the server. */
  theirs: Note | undefined;
  /** How often others' text has taken the place of what was shown as the title, and below it. */
  replaced: Readonly<Record<"title" | "content", number>>;
}

export interface Server {
  /** Changes the note if it is still `version`; `closing`: the page may go meanwhile. Throws ApiError. */
  change(id: string, change: Partial<Text>, version: number, closing?: boolean): Promise<Note>;
  /** The note as it is there now. Throws ApiError. */
  read(id: string): Promise<Note>;
}

/** Where what is not saved yet outlives the page. */
export interface Drafts {
  write(id: string, draft: { version: number; unsaved: Partial<Text> } | undefined): void;
}

const PAUSE = 800;
const AGAIN = 5_000;

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/**
 * Keeps one note saved while it is written: one request at a time, each with the version that it
 * changes. What others change meanwhile is taken over, unless it is the same part of the note.
 */
export class NoteSaver {
  private base: Note;
  private unsaved: Partial<Text> = {};
  private underWay: Promise<void> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private behind: Promise<void> | undefined;
  private state: Saving = {
    status: "saved",
    error: undefined,
    theirs: undefined,
    replaced: { title: 0, content: 0 },
  };
  private readonly listeners = new Set<() => void>();

  private readonly server: Server;
  private readonly drafts: Drafts;
  private readonly onSaved: (note: Note) => void;

  constructor(note: Note, server: Server, drafts: Drafts, onSaved: (note: Note) => void) {
    this.base = note;
    this.server = server;
    this.drafts = drafts;
    this.onSaved = onSaved;
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly saving = () => this.state;

  /** The note as it is on the screen. */
  shown(): Note {
    return { ...this.base, ...this.unsaved };
  }

  edit(change: Partial<Text>): void {
    if (this.state.status === "gone") return;
    this.unsaved = { ...this.unsaved, ...change };
    // A note has a title: without one the last stays.
    if (this.unsaved.title?.trim() === "") delete this.unsaved.title;
    this.keep();
    if (this.state.status === "conflict") return;
    this.set({ status: "writing" });
    this.later(PAUSE);
  }

  /** Takes up what was written before and not saved; `version` is what it was a change of. */
  takeUp(draft: { version: number; unsaved: Partial<Text> }): void {
    // What the server has is saved: its answer came when nobody was here any more.
    this.unsaved = Object.fromEntries(
      Object.entries(draft.unsaved).filter(
        ([name, value]) => !same(value, this.base[name as keyof Text]),
      ),
    );
    this.keep();
    if (Object.keys(this.unsaved).length === 0) return;
    if (draft.version !== this.base.version) {
      // Of the note that it was written to only the number is left: all that differs is in question.
      this.set({ status: "conflict", theirs: this.base });
      return;
    }
    this.edit({});
  }

  /** Saves what is unsaved now; returns when it is, or when it cannot be. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    if (this.underWay !== undefined) {
      // One request waits behind it, however often it is asked for.
      this.behind ??= this.underWay.then(() => {
        this.behind = undefined;
        return this.flush();
      });
      return this.behind;
    }
    if (this.state.status === "conflict") return;
    if (Object.keys(this.unsaved).length === 0) {
      if (this.state.status === "writing") this.set({ status: "saved", error: undefined });
      return;
    }
    this.underWay = this.send().finally(() => {
      this.underWay = undefined;
    });
    await this.underWay;
  }

  /** Takes over what others have saved meanwhile, unless something is being written here: its save finds out. */
  async follow(): Promise<void> {
    if (this.state.status !== "saved") return;
    let now: Note;
    try {
      now = await this.server.read(this.base.id);
    } catch (error) {
      if (isNotFound(error) && this.state.status === "saved") this.set({ status: "gone", error });
      // What is not reached now is as it was: whoever writes on is told by the save.
      return;
    }
    if (this.state.status !== "saved" || now.version <= this.base.version) return;
    this.rebase(now, {});
    this.onSaved(now);
  }

  /** Saves all of it, also what others' changes have to be taken into first; returns when it is, or cannot be. */
  async finish(): Promise<void> {
    do await this.flush();
    while (this.state.status === "writing");
  }

  /** Tries nothing again: what could not be saved stays a draft. */
  rest(): void {
    clearTimeout(this.timer);
  }

  /** Sends what is unsaved by a request that outlives the page. */
  close(): void {
    const { status } = this.state;
    if (status === "conflict" || status === "gone" || Object.keys(this.unsaved).length === 0)
      return;
    // Nobody is here to hear what comes of it. The draft stays, and a later page takes up what was not saved.
    this.server.change(this.base.id, this.unsaved, this.base.version, true).catch(() => undefined);
  }

  /** Ends a conflict: with what is on the screen, or with what the server has. */
  async settle(whose: "mine" | "theirs"): Promise<void> {
    const { theirs } = this.state;
    if (theirs === undefined) return;
    this.rebase(theirs, whose === "theirs" ? {} : this.unsaved);
    this.set({ status: whose === "mine" ? "writing" : "saved", theirs: undefined });
    this.keep();
    if (whose === "theirs") this.onSaved(theirs);
    await this.flush();
  }

  private async send(): Promise<void> {
    const sent = this.unsaved;
    this.set({ status: "writing" });
    try {
      this.saved(await this.server.change(this.base.id, sent, this.base.version), sent);
    } catch (error) {
      this.refused(error);
    }
  }

  private saved(note: Note, sent: Partial<Text>): void {
    this.base = note;
    this.unsaved = Object.fromEntries(
      Object.entries(this.unsaved).filter(([name, value]) => value !== sent[name as keyof Text]),
    );
    this.keep();
    this.onSaved(note);
    if (Object.keys(this.unsaved).length === 0) this.set({ status: "saved", error: undefined });
    else this.later(PAUSE);
  }

  private refused(error: unknown): void {
    if (error instanceof ApiError && error.status === 412) {
      this.changedMeanwhile(error.problem.current as Note);
    } else if (isNotFound(error)) {
      this.set({ status: "gone", error });
    } else {
      this.set({ status: "failed", error });
      const again = !(error instanceof ApiError) || error.status === 0 || error.status >= 429;
      if (again) this.later(AGAIN);
    }
  }

  private changedMeanwhile(theirs: Note): void {
    const fields = Object.keys(this.unsaved) as (keyof Text)[];
    const disputed = fields.filter(
      (name) => !same(theirs[name], this.base[name]) && !same(theirs[name], this.unsaved[name]),
    );
    if (disputed.length > 0) {
      this.set({ status: "conflict", theirs });
      return;
    }
    this.rebase(theirs, this.unsaved);
    this.keep();
    this.onSaved(this.shown());
    this.later(0);
  }

  /** Goes on from another note than the one that was written to: what is shown may be replaced. */
  private rebase(base: Note, unsaved: Partial<Text>): void {
    const before = this.shown();
    this.base = base;
    this.unsaved = unsaved;
    const times = (name: "title" | "content") =>
      this.state.replaced[name] + Number(this.shown()[name] !== before[name]);
    this.set({ replaced: { title: times("title"), content: times("content") } });
  }

  private later(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), milliseconds);
  }

  private keep(): void {
    const draft = { version: this.base.version, unsaved: this.unsaved };
    this.drafts.write(this.base.id, Object.keys(this.unsaved).length > 0 ? draft : undefined);
  }

  private set(change: Partial<Saving>): void {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener();
  }
}
