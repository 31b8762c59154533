import { renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Session } from "./lists";
import { groupsByDay, rowsOf } from "./order";
import { aSession } from "./tests/aSession";
import { useRows } from "./useRows";

const said = (id: string, at: string, more: Partial<Session> = {}) =>
  aSession(id, { last_message_at: at, ...more });

const a = said("a", "2026-11-02T09:00:00Z");
const b = said("b", "2026-11-02T08:00:00Z");
const c = said("c", "2026-11-02T07:00:00Z");

const rows = (sessions: Session[], hold: number | null) =>
  renderHook(
    (given: { sessions: Session[]; hold: number | null }) => useRows(given.sessions, given.hold),
    {
      initialProps: { sessions, hold },
    },
  );
const ids = ({ result }: ReturnType<typeof rows>) =>
  result.current.map(({ session }) => session.id);

test("without a pointer the newest comes first, as it changes", () => {
  const list = rows([a, b, c], null);
  expect(ids(list)).toEqual(["a", "b", "c"]);
  list.rerender({
    sessions: [a, b, { ...c, last_message_at: "2026-11-02T10:00:00Z" }],
    hold: null,
  });
  expect(ids(list)).toEqual(["c", "a", "b"]);
});

test("under the pointer nothing moves and nothing new comes, until it has left", () => {
  const list = rows([a, b, c], 0);
  const moved = { ...c, title: "new", last_message_at: "2026-11-02T10:00:00Z" };
  const made = said("d", "2026-11-02T11:00:00Z");
  list.rerender({ sessions: [made, a, b, moved], hold: 0 });
  expect(ids(list)).toEqual(["a", "b", "c"]);
  expect(list.result.current[2]).toMatchObject({
    session: { title: "new" },
    at: c.last_message_at,
  });
  list.rerender({ sessions: [made, a, b, moved], hold: null });
  expect(ids(list)).toEqual(["d", "c", "a", "b"]);
});

test("what is deleted goes, and what comes below as one scrolls is shown", () => {
  const list = rows([a, b], 0);
  list.rerender({ sessions: [a, c], hold: 0 });
  expect(ids(list)).toEqual(["a", "c"]);
});

test("by what somebody just did the list moves once", () => {
  const list = rows([a, b], 0);
  const made = said("d", "2026-11-02T11:00:00Z");
  list.rerender({ sessions: [made, a, b], hold: 1 });
  expect(ids(list)).toEqual(["d", "a", "b"]);
});

test("what is pinned comes first, held or not", () => {
  const pinned = { ...c, pinned: true };
  expect(rowsOf([a, pinned], null).map(({ session }) => session.id)).toEqual(["c", "a"]);
  const held = new Map([
    ["a", "2026-11-02T09:00:00Z"],
    ["c", "2026-11-02T07:00:00Z"],
  ]);
  expect(rowsOf([a, pinned], held).map(({ session }) => session.id)).toEqual(["c", "a"]);
});

const TEXTS = { lastWeek: "week", lastMonth: "month" };
const at = (year: number, month: number, day: number, hour = 12) =>
  new Date(year, month - 1, day, hour).toISOString();

function names(moments: string[], tag: string): string[] {
  const list = moments.map((moment, number) => ({
    session: said(`${number}`, moment),
    at: moment,
  }));
  return groupsByDay(list, new Date(2026, 10, 26, 9), tag, TEXTS).map(
    ({ name, rows }) => `${name} ${rows.length}`,
  );
}

test("days have the names that the language has for them", () => {
  const moments = [
    at(2026, 11, 26, 23),
    at(2026, 11, 26, 0),
    at(2026, 11, 25, 23),
    at(2026, 11, 24),
    at(2026, 11, 19),
    at(2026, 11, 18),
    at(2026, 10, 27),
    at(2026, 10, 26),
    at(2026, 10, 1),
    at(2025, 12, 31),
  ];
  expect(names(moments, "en")).toEqual([
    "Today 2",
    "Yesterday 1",
    "week 2",
    "month 2",
    "October 2",
    "December 2025 1",
  ]);
  expect(names(moments, "zh-CN")).toEqual([
    "今天 2",
    "昨天 1",
    "week 2",
    "month 2",
    "十月 2",
    "2025年12月 1",
  ]);
});

test("a clock that is behind the server's makes no day of its own", () => {
  expect(names([at(2026, 11, 27, 1)], "en")).toEqual(["Today 1"]);
});
