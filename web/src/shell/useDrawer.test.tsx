import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useDrawer } from "./useDrawer";

let watchers: Watcher[];

class Watcher {
  onclose: (() => void) | null = null;
  destroy = vi.fn();
  constructor() {
    watchers.push(this);
  }
}

beforeEach(() => {
  watchers = [];
  vi.stubGlobal("CloseWatcher", Watcher);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function drawer(narrow: boolean) {
  vi.spyOn(Object.getPrototypeOf(matchMedia("all")), "matches", "get").mockReturnValue(narrow);
  return renderHook(() => useDrawer({ current: null })).result;
}

test("over the page it is shut by what a device goes back with", () => {
  const side = drawer(true);
  expect([side.current.open, watchers.length]).toEqual([false, 0]);
  act(() => side.current.setOpen(true));
  expect(side.current.open).toBe(true);
  act(() => watchers[0]?.onclose?.());
  expect(side.current.open).toBe(false);
  expect(watchers[0]?.destroy).toHaveBeenCalledTimes(1);
});

test("beside the page nothing is taken from the way back", () => {
  const side = drawer(false);
  expect([side.current.open, watchers.length]).toEqual([true, 0]);
});
