import type { QueryClient } from "@tanstack/react-query";
import { api, isNotFound, ok, type Schema } from "../../api";
import type { Texts } from "../../i18n";
import { deleteLater } from "../../ui/deletions";
import { tell } from "../../ui/tell";
import { toast } from "../../ui/toast";
import { drop, place, type Session } from "./lists";

type Change = Pick<Schema<"SessionChange">, "title" | "pinned" | "folder" | "archived">;

/** What can be done to a conversation: shown at once, and taken back where the server refuses. */
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
    this.#change(session, { title }, { title, title_by: "user" });

  pin = (session: Session, pinned: boolean) => this.#change(session, { pinned }, { pinned });

  move = (session: Session, folder: string | null) => this.#change(session, { folder }, { folder });

  /** Whether it could be archived; it can be brought back by the message that says so. */
  async archive(session: Session): Promise<boolean> {
    const archived_at = new Date().toISOString();
    if (!(await this.#change(session, { archived: true }, { archived_at }))) return false;
    this.#offer(session, this.#t.sidebar.wasArchived, () =>
      this.unarchive({ ...session, archived_at }),
    );
    return true;
  }

  unarchive(session: Session): Promise<boolean> {
    this.#withdraw(session);
    return this.#change(session, { archived: false }, { archived_at: null });
  }

  /** Deletes it as far as it can be restored; whether that went well. */
  async remove(session: Session): Promise<boolean> {
    this.#show({ ...session, deleted_at: new Date().toISOString() });
    try {
      const params = { path: { session_id: session.id } };
      await ok(api.DELETE("/api/v1/chat/sessions/{session_id}", { params }));
    } catch (error) {
      // It is gone already, deleted on another screen.
      if (isNotFound(error)) return true;
      this.#show(session);
      this.#failed(error);
      return false;
    }
    this.#offer(session, this.#t.sidebar.wasDeleted, () => this.restore(session));
    return true;
  }

  async restore(session: Session): Promise<void> {
    this.#withdraw(session);
    this.#show({ ...session, deleted_at: null });
    try {
      const params = { path: { session_id: session.id } };
      this.#show(await ok(api.POST("/api/v1/chat/sessions/{session_id}/restore", { params })));
      void this.#queries.invalidateQueries({ queryKey: ["session", session.id] });
      void this.#queries.invalidateQueries({ queryKey: ["messages", session.id] });
    } catch (error) {
      this.#show({ ...session, deleted_at: new Date().toISOString() });
      this.#failed(error);
    }
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
      (error) => this.#failed(error),
    );
  }

  async #change(session: Session, change: Change, shown: Partial<Session>): Promise<boolean> {
    this.#show({ ...session, ...shown });
    try {
      const params = { path: { session_id: session.id } };
      this.#show(
        await ok(api.PATCH("/api/v1/chat/sessions/{session_id}", { params, body: change })),
      );
      return true;
    } catch (error) {
      this.#show(session);
      this.#failed(error);
      return false;
    }
  }

  #offer({ id }: Session, text: string, undo: () => Promise<unknown>): void {
    const action = { label: this.#t.common.undo, run: () => void undo() };
    this.#undoing.set(id, toast.show({ text, action }));
  }

  #withdraw({ id }: Session): void {
    const shown = this.#undoing.get(id);
    if (shown !== undefined) toast.dismiss(shown);
    this.#undoing.delete(id);
  }

  #show(session: Session): void {
    place(this.#queries, session);
    this.#moved();
  }

  #failed(error: unknown): void {
    tell(error, this.#t);
  }
}
