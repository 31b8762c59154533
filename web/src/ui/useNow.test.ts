import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useNow } from "./useNow";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const DAY = 86_400_000;
const after = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();
const pass = (milliseconds: number) => act(() => vi.advanceTimersByTime(milliseconds));

it("is drawn anew at each moment that comes, however far away it is, and then rests", () => {
  const moments = [after(40 * DAY), null, after(5_000), after(-5_000)];
  const { result } = renderHook(() => useNow(moments));
  const begun = result.current;
  pass(4_999);
  expect(result.current).toBe(begun);
  pass(1);
  expect(result.current).toBe(begun + 5_000);
  for (let day = 0; day < 40; day += 1) pass(DAY);
  expect(result.current).toBe(begun + 40 * DAY);
  expect(vi.getTimerCount()).toBe(0);
});
