import type { QueryClient } from "@tanstack/react-query";
import type { Notices } from "./notices";
import type { Notice } from "./wire";

const MESSAGES_CHANGE = new Set(["path", "cleared", "messages_deleted", "started", "ended"]);

/**
 * What is cached of a conversation and its messages is read again whenever a notice says that
 * it is different. Lists of conversations are the sidebar's to change: it must not jump.
 */
export function readAgainAsTold(queries: QueryClient, notices: Notices): () => void {
  return notices.listen((notice) => {
    for (const queryKey of keysOf(notice)) void queries.invalidateQueries({ queryKey });
  });
}

/** The queries that a notice makes old. */
export function keysOf({ topic, change, session_id: id }: Notice): string[][] {
  if (topic === "all") return [["session"], ["messages"], ["shares"]];
  if (topic !== "sessions" && topic !== "runs") return [];
  if (topic === "sessions" && change === "shared") return [["shares"]];
  if (id === undefined) return [["session"], ["messages"]];
  return MESSAGES_CHANGE.has(change)
    ? [
        ["session", id],
        ["messages", id],
      ]
    : [["session", id]];
}
