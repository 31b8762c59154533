import type { QueryClient } from "@tanstack/react-query";
import { api, isNotFound, ok, type Schema } from "../../api";
import type { Texts } from "../../i18n";
import { deleteLater } from "../../ui/deletions";
import { tell } from "../../ui/tell";
import { toast } from "../../ui/toast";
import { drop, place, type Session } from "./lists";

type Change = Pick<Schema<"SessionChange">, "title" | "pinned" | "folder" | "archived">;

/** So many requests go out at once where many conversations were chosen. */
const AT_ONCE = 4;

/**
 * What can be done to conversations, to one or to several at once: shown at once, and taken back where the
 * server refuses. What is done to several gives those that it was done to.
 */
export class SessionActions {
  readonly #queries: QueryClient;
  readonly #t: Texts;
  readonly #moved: () => void;
  /** Messages by which something can be undone: they go when it was undone otherwise. */
  readonly #undoing = new Map<string, number>();

  /** `moved` lets the lists move by what was just done. */
  constructor(queries: QueryClient, t: Texts, moved: () => void) {
    this.#queries = queries;
    this.#t = t;
    this.#moved = moved;
  }

  rename = (session: Session, title: string) =>
    this.#change([session], { title }, { title, title_by: "user" });

  pin = (session: Session, pinned: boolean) => this.#change([session], { pinned }, { pinned });

  async move(sessions: readonly Session[], folder: string | null): Promise<void> {
    const others = sessions.filter((one) => one.folder !== folder);
    const moved = await this.#change(others, { folder }, { folder });
    // One is put back as it was moved, by its menu.
    if (moved.length < 2) return;
    this.#offer(moved, this.#t.sidebar.wereMoved(moved.length), () =>
      Promise.all(moved.map((one) => this.#change([one], { folder: one.folder }, one))),
    );
  }

  /** They can be brought back by the message that says so. */
  async archive(sessions: readonly Session[]): Promise<readonly Session[]> {
    const archived_at = new Date().toISOString();
    const done = await this.#change(sessions, { archived: true }, { archived_at });
    this.#offer(done, this.#t.sidebar.wereArchived(done.length), () =>
      this.unarchive(done.map((one) => ({ ...one, archived_at }))),
    );
    return done;
  }

  unarchive(sessions: readonly Session[]): Promise<readonly Session[]> {
    this.#withdraw(sessions);
    return this.#change(sessions, { archived: false }, { archived_at: null });
  }

  /** Deletes them as far as they can be restored. */
  async remove(sessions: readonly Session[]): Promise<readonly Session[]> {
    const deleted_at = new Date().toISOString();
    const gone = new Set<Session>();
    const done = await this.#each(sessions, { deleted_at }, async (session) => {
      const params = { path: { session_id: session.id } };
      try {
        await ok(api.DELETE("/api/v1/chat/sessions/{session_id}", { params }));
      } catch (error) {
        // It is gone already, deleted on another screen.
        if (!isNotFound(error)) throw error;
        gone.add(session);
      }
    });
    const restorable = done.filter((session) => !gone.has(session));
    this.#offer(restorable, this.#t.sidebar.wereDeleted(restorable.length), () =>
      this.restore(restorable),
    );
    return done;
  }

  async restore(sessions: readonly Session[]): Promise<void> {
    this.#withdraw(sessions);
    const deleted = sessions.map((one) => ({
      ...one,
      deleted_at: one.deleted_at ?? new Date().toISOString(),
    }));
    await this.#each(deleted, { deleted_at: null }, async ({ id }) => {
      const params = { path: { session_id: id } };
      this.#show(await ok(api.POST("/api/v1/chat/sessions/{session_id}/restore", { params })));
      void this.#queries.invalidateQueries({ queryKey: ["session", id] });
      void this.#queries.invalidateQueries({ queryKey: ["messages", id] });
    });
  }

  /** Nothing can bring it back but the ten seconds before it goes. */
  removeForGood(session: Session): void {
    const { sidebar, common } = this.#t;
    const params = { path: { session_id: session.id }, query: { permanent: true } };
    deleteLater(
      session.id,
      { deleted: sidebar.goesForGood, undo: common.undo },
      async (closing) => {
        await ok(api.DELETE("/api/v1/chat/sessions/{session_id}", { params, keepalive: closing }));
        drop(this.#queries, session.id);
      },
      (error) => tell(error, this.#t),
    );
  }

  #change(
    sessions: readonly Session[],
    change: Change,
    shown: Partial<Session>,
  ): Promise<readonly Session[]> {
    return this.#each(sessions, shown, async ({ id }) => {
      const params = { path: { session_id: id } };
      this.#show(
        await ok(api.PATCH("/api/v1/chat/sessions/{session_id}", { params, body: change })),
      );
    });
  }

  /** Shows all as they will be, and does it to each; what fails is as it was, and the first reason is told. */
  async #each(
    sessions: readonly Session[],
    shown: Partial<Session>,
    act: (session: Session) => Promise<void>,
  ): Promise<readonly Session[]> {
    for (const session of sessions) this.#show({ ...session, ...shown });
    const failed = new Map<Session, unknown>();
    const waiting = [...sessions];
    const actInTurn = async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        try {
          await act(one);
        } catch (error) {
          failed.set(one, error);
          this.#show(one);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, actInTurn));
    const [reason] = failed.values();
    if (failed.size > 0) tell(reason, this.#t);
    return sessions.filter((session) => !failed.has(session));
  }

  #offer(sessions: readonly Session[], text: string, undo: () => Promise<unknown>): void {
    if (sessions.length === 0) return;
    const action = { label: this.#t.common.undo, run: () => void undo() };
    const shown = toast.show({ text, action });
    for (const { id } of sessions) this.#undoing.set(id, shown);
  }

  #withdraw(sessions: readonly Session[]): void {
    for (const { id } of sessions) {
      const shown = this.#undoing.get(id);
      if (shown !== undefined) toast.dismiss(shown);
      this.#undoing.delete(id);
    }
  }

  #show(session: Session): void {
    place(this.#queries, session);
    this.#moved();
  }
}
