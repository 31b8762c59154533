import { type InfiniteData, type QueryClient, useInfiniteQuery } from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";

export type Session = Schema<"Session">;
export type Pages = InfiniteData<Schema<"Page_Session_">>;

/** Which list: `active` has those of folders too, and none that is pinned. */
export type View = "pinned" | "active" | "archived" | "deleted" | `folder:${string}`;

const PAGE = 40;
/** Notices keep the lists as they are at the server; this is for where none came. */
const STALE = 300_000;

export const folderView = (name: string): View => `folder:${name}`;

function queryOf(view: View) {
  if (view === "pinned") return { pinned: true };
  if (view === "active") return { pinned: false };
  if (view === "archived" || view === "deleted") return { state: view };
  return { pinned: false, folder: view.slice("folder:".length) };
}

/** A list of conversations, page by page: query `["sessions", view]`. */
export function useSessionList(view: View, enabled = true) {
  return useInfiniteQuery({
    queryKey: ["sessions", view],
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/api/v1/chat/sessions", {
          signal,
          params: { query: { limit: PAGE, cursor: pageParam, ...queryOf(view) } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: STALE,
    enabled,
  });
}

/** When something was last said in it. */
export const activity = (session: Session): string => session.last_message_at ?? session.created_at;

/** In the order of the lists: the newest first. */
export function inOrder(one: Session, other: Session): number {
  if (one.pinned !== other.pinned) return one.pinned ? -1 : 1;
  const [first, second] = [Date.parse(activity(one)), Date.parse(activity(other))];
  return second - first || (one.id < other.id ? 1 : -1);
}

/** What the pages have, each once: a page may have been read before a conversation moved. */
export function sessionsOf(pages: Pages | undefined): Session[] {
  const seen = new Map<string, Session>();
  for (const page of pages?.pages ?? [])
    for (const session of page.items) if (!seen.has(session.id)) seen.set(session.id, session);
  return [...seen.values()];
}

export function belongs(view: View, session: Session): boolean {
  if (session.deleted_at !== null) return view === "deleted";
  if (session.temporary) return false;
  if (session.archived_at !== null) return view === "archived";
  if (view === "pinned") return session.pinned;
  if (view === "active") return !session.pinned;
  return !session.pinned && session.folder !== null && view === folderView(session.folder);
}

/** The pages of `view` with `session` as it is now: changed, moved, put in or taken out. */
export function placed(pages: Pages, view: View, session: Session): Pages {
  const without = removed(pages, session.id);
  if (!belongs(view, session)) return without;
  const last = without.pages.length - 1;
  for (const [number, page] of without.pages.entries()) {
    const at = page.items.findIndex((other) => inOrder(session, other) < 0);
    const more = number < last || page.next_cursor !== null;
    // Behind all that is loaded it comes with its page.
    if (at < 0 && more) continue;
    const items = page.items.toSpliced(at < 0 ? page.items.length : at, 0, session);
    return { ...without, pages: without.pages.with(number, { ...page, items }) };
  }
  return without;
}

export function removed(pages: Pages, id: string): Pages {
  if (!pages.pages.some((page) => page.items.some((one) => one.id === id))) return pages;
  return {
    ...pages,
    pages: pages.pages.map((page) => ({
      ...page,
      items: page.items.filter((one) => one.id !== id),
    })),
  };
}

/** Every list that is loaded has `session` as it is now, unless it has a newer one already. */
export function place(queries: QueryClient, session: Session): void {
  const before = known(queries, session.id);
  if (before && Date.parse(before.updated_at) > Date.parse(session.updated_at)) return;
  for (const [key, pages] of queries.getQueriesData<Pages>({ queryKey: ["sessions"] }))
    if (pages !== undefined) queries.setQueryData(key, placed(pages, key[1] as View, session));
  queries.setQueryData<Session>(["session", session.id], (old) => old && session);
  if (before?.folder || session.folder) void queries.invalidateQueries({ queryKey: ["folders"] });
}

/** No list but that of the deleted has it any more; that one is read again. */
export function drop(queries: QueryClient, id: string): void {
  for (const [key, pages] of queries.getQueriesData<Pages>({ queryKey: ["sessions"] }))
    if (pages !== undefined) queries.setQueryData(key, removed(pages, id));
  void queries.invalidateQueries({ queryKey: ["sessions", "deleted"] });
  void queries.invalidateQueries({ queryKey: ["folders"] });
}

/** What the lists have of a conversation. */
export function known(queries: QueryClient, id: string): Session | undefined {
  for (const [, pages] of queries.getQueriesData<Pages>({ queryKey: ["sessions"] }))
    for (const page of pages?.pages ?? []) {
      const session = page.items.find((one) => one.id === id);
      if (session !== undefined) return session;
    }
  return queries.getQueryData<Session>(["session", id]);
}
