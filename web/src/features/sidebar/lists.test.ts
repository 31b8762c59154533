import { QueryClient } from "@tanstack/react-query";
import { beforeEach, expect, test } from "vitest";
import {
  belongs,
  drop,
  folderView,
  type Pages,
  place,
  placed,
  type Session,
  sessionsOf,
} from "./lists";
import { aSession } from "./tests/aSession";

const pages = (...lists: Session[][]): Pages => ({
  pages: lists.map((items, at) => ({
    items,
    next_cursor: at < lists.length - 1 ? `page ${at + 1}` : null,
    total: null,
  })),
  pageParams: lists.map((_, at) => (at === 0 ? undefined : `page ${at}`)),
});
const unfinished = (...lists: Session[][]): Pages => {
  const all = pages(...lists);
  return { ...all, pages: all.pages.map((page) => ({ ...page, next_cursor: "more" })) };
};
const ids = (all: Pages | undefined) => sessionsOf(all).map(({ id }) => id);

const [a, b, c, d] = ["09", "08", "07", "06"].map((hour, at) =>
  aSession("abcd"[at] as string, { last_message_at: `2026-11-02T${hour}:00:00Z` }),
) as [Session, Session, Session, Session];

test("a conversation is in one list, and in that of its folder", () => {
  const views = [
    "pinned",
    "active",
    "archived",
    "deleted",
    folderView("f"),
    folderView("g"),
  ] as const;
  const where = (change: Partial<Session>) =>
    views.filter((view) => belongs(view, { ...a, ...change }));
  expect(where({})).toEqual(["active"]);
  expect(where({ pinned: true })).toEqual(["pinned"]);
  expect(where({ folder: "f" })).toEqual(["active", "folder:f"]);
  expect(where({ folder: "f", pinned: true })).toEqual(["pinned"]);
  expect(where({ archived_at: "x", folder: "f" })).toEqual(["archived"]);
  expect(where({ archived_at: "x", deleted_at: "y" })).toEqual(["deleted"]);
  expect(where({ temporary: true })).toEqual([]);
});

test("what was said in last comes first", () => {
  const moved = { ...c, last_message_at: "2026-11-02T10:00:00Z" };
  expect(ids(placed(pages([a, b], [c, d]), "active", moved))).toEqual(["c", "a", "b", "d"]);
});

test("what has only changed stays where it is, on its page", () => {
  const after = placed(pages([a, b], [c, d]), "active", { ...c, title: "other" });
  expect(after.pages.map((page) => page.items.map(({ id }) => id))).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  expect(after.pages[1]?.items[0]?.title).toBe("other");
});

test("what is older than all that is loaded waits for its page, unless it was the last one", () => {
  expect(ids(placed(unfinished([a, b]), "active", d))).toEqual(["a", "b"]);
  expect(ids(placed(pages([a, b]), "active", d))).toEqual(["a", "b", "d"]);
  expect(ids(placed(pages([]), "active", d))).toEqual(["d"]);
});

test("what belongs elsewhere is taken out", () => {
  expect(ids(placed(pages([a, b, c]), "active", { ...b, pinned: true }))).toEqual(["a", "c"]);
});

test("a conversation that moved between two pages is shown once", () => {
  expect(ids(pages([a, b], [b, c]))).toEqual(["a", "b", "c"]);
});

let queries: QueryClient;

beforeEach(() => {
  queries = new QueryClient();
  queries.setQueryData(["sessions", "active"], pages([a, b, c]));
  queries.setQueryData(
    ["sessions", "archived"],
    pages([d].map((one) => ({ ...one, archived_at: "x" }))),
  );
});

const shown = (view: string) => ids(queries.getQueryData<Pages>(["sessions", view]));

test("archived, it leaves the one list for the other", () => {
  place(queries, { ...b, archived_at: "2026-11-03T00:00:00Z" });
  expect(shown("active")).toEqual(["a", "c"]);
  expect(shown("archived")).toEqual(["b", "d"]);
});

test("an older answer does not replace a newer one", () => {
  place(queries, { ...b, title: "new", updated_at: "2026-11-02T09:00:00.5Z" });
  place(queries, { ...b, title: "old", updated_at: "2026-11-02T09:00:00Z" });
  const all = sessionsOf(queries.getQueryData<Pages>(["sessions", "active"]));
  expect(all.find(({ id }) => id === "b")?.title).toBe("new");
});

test("the conversation itself is what its lists have of it, where somebody has read it", () => {
  place(queries, { ...b, title: "new" });
  expect(queries.getQueryData(["session", "b"])).toBeUndefined();
  queries.setQueryData(["session", "b"], b);
  place(queries, { ...b, title: "new" });
  expect(queries.getQueryData(["session", "b"])).toMatchObject({ title: "new" });
});

test("what is gone is in no list", () => {
  drop(queries, "a");
  expect(shown("active")).toEqual(["b", "c"]);
});
