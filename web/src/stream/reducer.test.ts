import { expect, test } from "vitest";
import { emptyRun, follows, type RunState, take } from "./reducer";
import { log } from "./tests/fakeSocket";
import type { Fallback, RunEvent } from "./wire";

const read = (events: RunEvent[], from = emptyRun("run")): RunState =>
  events.reduce((state, event) => take(state, event, event.seq * 1000), from);

const FALLBACK: Fallback = {
  from_key_id: "k1",
  reason: "PROVIDER_OVERLOADED",
  key_id: "k2",
  key_name: "other",
  owner: "user",
  provider: "openai",
  model: "second",
};

test("events add up to the answer and its end", () => {
  const state = read(log(["Hel", "lo ", "世界"]));
  expect(state).toMatchObject({
    text: "Hello 世界",
    status: "completed",
    finishReason: "stop",
    saved: true,
    sessionId: "s",
    answerId: "a",
    model: "demo",
    seq: 5,
  });
});

test("an event that was seen changes nothing", () => {
  const events = log(["a", "b", "c"]);
  const state = read(events.slice(0, 3));
  for (const event of events.slice(0, 3)) expect(take(state, event, 0)).toBe(state);
});

test("what follows is the next event, or a snapshot however far ahead", () => {
  const state = read(log(["a", "b"], null));
  expect(follows(state, { seq: 4, event: "delta", data: { text: "c" } })).toBe(true);
  expect(follows(state, { seq: 5, event: "delta", data: { text: "d" } })).toBe(false);
  expect(follows(state, { seq: 3, event: "delta", data: { text: "b" } })).toBe(false);
  const snapshot: RunEvent = { seq: 9, event: "snapshot", data: { text: "abcd", reasoning: "" } };
  expect(follows(state, snapshot)).toBe(true);
  expect(follows(state, { ...snapshot, seq: 3 })).toBe(false);
});

test("a snapshot replaces text and thinking, and keeps what it does not speak of", () => {
  const before = read([
    ...log(["wrong"], null),
    { seq: 3, event: "reasoning", data: { text: "hm" } },
    { seq: 4, event: "adapted", data: { adapted: [{ parameter: "top_p", use: null }] } },
  ]);
  const snapshot: RunEvent = { seq: 7, event: "snapshot", data: { text: "right", reasoning: "" } };
  const state = take(before, snapshot, 0);
  expect(state).toMatchObject({ text: "right", reasoning: "", seq: 7 });
  expect(state.adapted).toEqual([{ parameter: "top_p", use: null }]);
});

test("what was kept from an earlier answer says so, also in a snapshot", () => {
  const told = read([{ seq: 1, event: "cache", data: { state: "hit" } }]);
  expect(told.cached).toBe(true);
  expect(read([{ seq: 1, event: "cache", data: { state: "miss" } }]).cached).toBe(false);
  const snapshot = { text: "a", reasoning: "", cache: "hit" } as const;
  expect(read([{ seq: 4, event: "snapshot", data: snapshot }]).cached).toBe(true);
});

test("another connection takes the place of the first, with what was adapted to it", () => {
  const state = read([
    ...log([], null),
    { seq: 2, event: "adapted", data: { adapted: [{ parameter: "top_p", use: null }] } },
    { seq: 3, event: "fallback", data: FALLBACK },
  ]);
  expect(state).toMatchObject({ model: "second", adapted: [], fallbacks: [FALLBACK] });
});

test("a failure keeps the text and tells its problem", () => {
  const state = read(log(["half"], "error"));
  expect(state).toMatchObject({ text: "half", status: "failed", reason: "PROVIDER_FAILED" });
  expect(state.problem?.status).toBe(502);
  expect(take(state, { seq: 4, event: "delta", data: { text: "late" } }, 0)).toBe(state);
});

test("an event that is not known is counted, and says nothing", () => {
  const unknown = { seq: 2, event: "weather", data: {} } as unknown as RunEvent;
  const state = read([...log([], null), unknown]);
  expect(state).toMatchObject({ seq: 2, text: "", status: "running" });
});

test("thinking is timed by who saw it, and by nobody else", () => {
  const events: RunEvent[] = [
    { seq: 1, event: "reasoning", data: { text: "hm " } },
    { seq: 2, event: "reasoning", data: { text: "hm" } },
    { seq: 3, event: "delta", data: { text: "so" } },
    { seq: 4, event: "delta", data: { text: "!" } },
  ];
  const asked = read(events, emptyRun("run", {}, true));
  expect([asked.thinkingFrom, asked.thinkingUntil]).toEqual([1000, 3000]);
  const late = read(events);
  expect([late.thinkingFrom, late.thinkingUntil]).toEqual([null, null]);
});
