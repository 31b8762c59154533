import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { api, isNotFound, ok } from "../../api";
import type { Notice } from "../../stream";
import { useNotices } from "../../stream/use";
import { drop, place } from "./lists";

/** What comes within so many milliseconds is read at once. */
const TOGETHER = 100;

/** Keeps the lists as they are at the server, by what is told of other screens and of runs. */
export function useListsByNotices(): void {
  const queries = useQueryClient();
  const reader = useMemo(() => new Reader(queries), [queries]);
  useNotices(useCallback((notice: Notice) => reader.hear(notice), [reader]));
  useEffect(() => () => reader.end(), [reader]);
}

/** Reads each conversation again that a notice is about. */
export class Reader {
  readonly #queries: QueryClient;
  readonly #ids = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(queries: QueryClient) {
    this.#queries = queries;
  }

  hear({ topic, change, session_id: id }: Notice): void {
    if (topic === "all" || (topic === "sessions" && id === undefined)) {
      void this.#queries.invalidateQueries({ queryKey: ["sessions"] });
      void this.#queries.invalidateQueries({ queryKey: ["folders"] });
    } else if (id !== undefined && change === "deleted") {
      drop(this.#queries, id);
    } else if (id !== undefined && (topic === "sessions" || topic === "runs")) {
      this.#ids.add(id);
      this.#timer ??= setTimeout(() => this.#readAll(), TOGETHER);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #readAll(): void {
    this.#timer = undefined;
    const ids = [...this.#ids];
    this.#ids.clear();
    for (const id of ids) void this.#read(id);
  }

  async #read(id: string): Promise<void> {
    try {
      const params = { path: { session_id: id } };
      place(this.#queries, await ok(api.GET("/api/v1/chat/sessions/{session_id}", { params })));
    } catch (error) {
      if (isNotFound(error)) drop(this.#queries, id);
      // It is not known what is different: the lists are read again as soon as that is possible.
      else void this.#queries.invalidateQueries({ queryKey: ["sessions"] });
    }
  }
}
