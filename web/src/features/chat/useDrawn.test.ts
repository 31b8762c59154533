import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Entry } from "./entries";
import type { Message } from "./messages";
import { useDrawn } from "./useDrawn";

const message = {} as Message;
/** Messages `from` to `to`, in their order. */
const path = (from: number, to: number) =>
  Array.from(
    { length: to - from + 1 },
    (_, at): Entry => ({ kind: "question", key: String(from + at), message }),
  );

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function draw(first: readonly Entry[]) {
  const { result, rerender } = renderHook(({ entries }) => useDrawn(entries), {
    initialProps: { entries: first },
  });
  return {
    keys: () => result.current.map(({ key }) => Number(key)),
    show: (entries: readonly Entry[]) => rerender({ entries }),
    step: () => act(() => vi.advanceTimersToNextTimer()),
  };
}

it("draws the newest first, and then all", () => {
  const log = draw([]);
  log.show(path(1, 30));
  expect(log.keys()).toEqual([23, 24, 25, 26, 27, 28, 29, 30]);
  log.step();
  expect(log.keys()).toHaveLength(30);
  expect(vi.getTimerCount()).toBe(0);
});

it("keeps what stands there when something is said or deleted, and adds older messages", () => {
  const log = draw(path(31, 34));
  for (let last = 35; last <= 50; last++) {
    log.show(path(31, last));
    expect(log.keys()[0]).toBe(31);
  }
  log.show(path(31, 33));
  expect(log.keys()).toEqual([31, 32, 33]);
  log.show(path(1, 33));
  expect(log.keys()).toHaveLength(33);
});

it("begins at the end of another path", () => {
  const log = draw(path(1, 4));
  log.show(path(101, 120));
  expect(log.keys()[0]).toBe(113);
  log.step();
  expect(log.keys()[0]).toBe(101);
});
