import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { session } from "../../session";
import { useMessages } from "./messages";

// The chosen path by ids, oldest first, and what was asked for of it.
let path: string[];
let asked: string[];
let queries: QueryClient;
let refused = false;

beforeEach(() => {
  path = Array.from({ length: 100 }, (_, at) => `m${at}`);
  asked = [];
  refused = false;
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  vi.spyOn(session, "current").mockResolvedValue("a token");
  vi.stubGlobal("fetch", async (request: Request) => {
    const query = new URL(request.url).searchParams;
    const cursor = query.get("cursor");
    asked.push(`${query.get("limit")} before ${cursor}`);
    if (refused) return Response.json({ status: 403, reason: "FORBIDDEN" }, { status: 403 });
    const end = cursor === null ? path.length : Number(cursor);
    const from = Math.max(0, end - Number(query.get("limit")));
    const items = path.slice(from, end).map((id) => ({ id, variants: { index: 0, ids: [id] } }));
    return Response.json({ items: items.reverse(), next_cursor: from === 0 ? null : `${from}` });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function read() {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={queries}>{children}</QueryClientProvider>
  );
  const { result, unmount } = renderHook(() => useMessages("s"), { wrapper });
  const ids = () => result.current.messages?.map(({ id }) => id);
  const is = (condition: () => boolean) =>
    waitFor(() => expect(condition()).toBe(true), { timeout: 30_000 });
  const settled = () => is(() => !result.current.isFetching);
  const older = async () => {
    const before = result.current.messages;
    act(() => result.current.older.load());
    await is(() => result.current.messages !== before || result.current.older.error !== null);
    await settled();
  };
  const again = async () => {
    await act(() => queries.invalidateQueries({ queryKey: ["messages", "s"] }));
    await settled();
  };
  return { result, ids, settled, older, again, unmount };
}

it("older messages come by pages, each once, to the first one", async () => {
  const { result, ids, settled, older } = read();
  await settled();
  expect(ids()).toEqual(path.slice(70));
  for (let page = 0; page < 3; page++) await older();
  act(() => result.current.older.load());
  expect(ids()).toEqual(path);
  expect(result.current.older.more).toBe(false);
  expect(asked).toEqual(["30 before null", "30 before 70", "30 before 40", "30 before 10"]);
});

it("what is new costs one page however many are here, and leaves the others as they are", async () => {
  const { result, ids, settled, older, again } = read();
  await settled();
  await older();
  const before = result.current.messages ?? [];
  path.push("new");
  asked.length = 0;
  await again();
  expect(ids()).toEqual(path.slice(40));
  expect(asked).toEqual(["30 before null"]);
  expect(before.every((one, at) => result.current.messages?.[at] === one)).toBe(true);
  await older();
  expect(ids()).toEqual(path.slice(10));
});

it("another path is read as far back as the one before it was", async () => {
  const { ids, settled, older, again } = read();
  await settled();
  await older();
  path = [...path.slice(0, 45), ...Array.from({ length: 60 }, (_, at) => `other${at}`)];
  asked.length = 0;
  await again();
  expect(asked).toEqual(["30 before null", "100 before 75"]);
  expect(ids()).toEqual(path);
});

it("a path that is shorter ends where it does", async () => {
  const { ids, settled, again } = read();
  await settled();
  path = [...path.slice(0, 80), "edited"];
  await again();
  expect(ids()).toEqual(path.slice(51));
  path = [];
  await again();
  expect(ids()).toEqual([]);
});

it("whoever comes back begins with the newest page, which is read again", async () => {
  const { settled, older, unmount } = read();
  await settled();
  await older();
  unmount();
  asked.length = 0;
  const later = read();
  expect(later.ids()).toEqual(path.slice(70));
  await later.settled();
  expect(asked).toEqual(["30 before null"]);
  await later.older();
  expect(later.ids()).toEqual(path.slice(40));
});

it("an older page that is refused says so, and what is here stays", async () => {
  const { result, ids, settled, older } = read();
  await settled();
  refused = true;
  await older();
  expect(result.current.older).toMatchObject({ more: true, loading: false });
  expect(result.current.older.error).toMatchObject({ reason: "FORBIDDEN" });
  expect(ids()).toEqual(path.slice(70));
});
