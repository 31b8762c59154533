import { expect, test } from "vitest";
import { noticeOf } from "./notice";
import type { Limit } from "./requests";

type State = "ok" | "soft" | "used_up";

function limit(state: State, allowed: number | null, of: Partial<Limit> = {}): Limit {
  return {
    period: "day",
    connections: "operator",
    key_id: null,
    key_name: null,
    resets_at: "2026-03-01T00:00:00Z",
    tokens: { used: 5, allowed, soft: 4, left: allowed === null ? null : 0, state },
    cost: null,
    ...of,
  };
}

const ofOne = { connections: "one", key_id: "k", key_name: "Theirs" } as const;

test("of what is all right nothing is said", () => {
  expect(noticeOf([])).toBeNull();
  expect(noticeOf([limit("ok", 10), limit("ok", 10, ofOne)])).toBeNull();
});

test("that one connection is used up is said of it alone", () => {
  const its = limit("used_up", 5, ofOne);
  expect(noticeOf([limit("soft", 10), its])).toEqual({
    ...{ says: "usedUpOf", name: "Theirs", until: "2026-03-01T00:00:00Z" },
  });
  expect(noticeOf([its, limit("used_up", 5)])).toEqual({
    ...{ says: "usedUp", name: null, until: "2026-03-01T00:00:00Z" },
  });
});

test("of several that are used up the last to begin anew says until when", () => {
  const month = limit("used_up", 9, { period: "month", resets_at: "2026-04-01T00:00:00Z" });
  for (const limits of [
    [month, limit("used_up", 5)],
    [limit("used_up", 5), month],
  ])
    expect(noticeOf(limits)?.until).toBe("2026-04-01T00:00:00Z");
});

test("where nothing is refused nothing is nearly used up", () => {
  expect(noticeOf([limit("soft", null)])).toEqual({ says: "much", name: null, until: null });
  expect(noticeOf([limit("soft", null), limit("soft", 6)])?.says).toBe("nearly");
});
