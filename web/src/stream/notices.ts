import { ApiError } from "../api/errors";
import type { Live, Part } from "./live";
import { ConnectionLost, Withdrawn } from "./requests";
import type { AckFrame, Notice, NoticeFrame } from "./wire";

export type NoticeListener = (notice: Notice) => void;

/** What is told where it is not known what has changed. */
export const READ_AGAIN: Notice = { topic: "all", change: "read_again" };

const RETRY = 2_000;

/**
 * What changes for this user on whichever screen: each notice once and in order, over
 * reconnects too; READ_AGAIN whenever something may have been missed, and when it begins.
 */
export class Notices implements Part {
  readonly #live: Live;
  readonly #listeners = new Set<NoticeListener>();
  #cursor: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(live: Live) {
    this.#live = live;
    live.add(this);
  }

  listen(listener: NoticeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  opened(): void {
    void this.#subscribe();
  }

  notice(frame: NoticeFrame): void {
    this.#cursor = frame.cursor;
    this.#tell(frame);
  }

  lost(): void {
    clearTimeout(this.#timer);
  }

  stopped(): void {
    clearTimeout(this.#timer);
    this.#cursor = undefined;
  }

  async #subscribe(): Promise<void> {
    const after = this.#cursor;
    let ack: AckFrame;
    try {
      ack = await this.#live.askOnce(
        after === undefined ? { type: "subscribe" } : { type: "subscribe", after },
      );
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (after === undefined) {
      // A notice may have come right behind the ack.
      this.#cursor ??= ack.cursor;
      this.#tell(READ_AGAIN);
    }
  }

  #failed(error: unknown): void {
    if (error instanceof ConnectionLost || error instanceof Withdrawn) return;
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === "SUPERSEDED") return;
    const seconds = error.retryAfter ?? 0;
    this.#timer = setTimeout(() => void this.#subscribe(), Math.max(RETRY, seconds * 1000));
  }

  #tell(notice: Notice): void {
    for (const listener of this.#listeners) listener(notice);
  }
}
