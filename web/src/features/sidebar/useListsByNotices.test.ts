import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { type Pages, sessionsOf } from "./lists";
import { aSession } from "./tests/aSession";
import { Reader } from "./useListsByNotices";

const asked: string[] = [];
let answer: (id: string) => Response | Promise<Response>;
let queries: QueryClient;
let reader: Reader;

beforeEach(() => {
  vi.useFakeTimers();
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
  asked.length = 0;
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    const id = url.split("/").at(-1) as string;
    asked.push(id);
    return answer(id);
  });
  queries = new QueryClient();
  const items = [aSession("a"), aSession("b", { last_message_at: "2026-11-02T08:00:00Z" })];
  const page = { items, next_cursor: null, total: null };
  queries.setQueryData(["sessions", "active"], { pages: [page], pageParams: [undefined] });
  reader = new Reader(queries);
});

afterEach(() => {
  reader.end();
  vi.useRealTimers();
});

const shown = () => sessionsOf(queries.getQueryData<Pages>(["sessions", "active"]));
const later = () => vi.advanceTimersByTimeAsync(200);
const isStale = () => queries.getQueryState(["sessions", "active"])?.isInvalidated;

test("what is told of several times at once is read once, and put where it belongs", async () => {
  const now = "2026-11-03T00:00:00Z";
  answer = (id) => Response.json(aSession(id, { title: "new", last_message_at: now }));
  reader.hear({ topic: "runs", change: "started", session_id: "b", run_id: "r" });
  reader.hear({ topic: "sessions", change: "changed", session_id: "b" });
  await later();
  expect(asked).toEqual(["b"]);
  expect(shown().map(({ id, title }) => [id, title])).toEqual([
    ["b", "new"],
    ["a", "Title of a"],
  ]);
});

test("a conversation of another screen comes in", async () => {
  answer = (id) => Response.json(aSession(id));
  reader.hear({ topic: "sessions", change: "created", session_id: "c" });
  await later();
  expect(shown().map(({ id }) => id)).toEqual(["c", "a", "b"]);
});

test("what is deleted, or not there when it is read, goes", async () => {
  answer = () => Response.json({ reason: "SESSION_NOT_FOUND" }, { status: 404 });
  reader.hear({ topic: "sessions", change: "deleted", session_id: "a" });
  expect(shown().map(({ id }) => id)).toEqual(["b"]);
  reader.hear({ topic: "sessions", change: "changed", session_id: "b" });
  await later();
  expect(shown()).toEqual([]);
});

test("where it cannot be read, or all has changed, the lists are read again", async () => {
  answer = () => Response.json({ reason: "CHAT_UNAVAILABLE" }, { status: 503 });
  reader.hear({ topic: "sessions", change: "changed", session_id: "b" });
  await later();
  expect(isStale()).toBe(true);
  queries.setQueryData(["sessions", "active"], (old: Pages | undefined) => old);
  expect(isStale()).toBe(false);
  reader.hear({ topic: "all", change: "read_again" });
  expect(isStale()).toBe(true);
});

test("what is not known changes nothing", async () => {
  reader.hear({ topic: "weather", change: "rain", session_id: "b" });
  await later();
  expect(asked).toEqual([]);
});
