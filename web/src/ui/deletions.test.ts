import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { deleteLater, useLeaving } from "./deletions";
import { toast } from "./toast";

const texts = { deleted: "It is deleted.", undo: "Undo" };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

it("deletes after ten seconds, and hides it until that is done", async () => {
  const { result } = renderHook(useLeaving);
  let done: () => void = () => undefined;
  const run = vi.fn(() => new Promise<void>((resolve) => (done = resolve)));
  act(() => deleteLater("a", texts, run, vi.fn()));
  expect(result.current.has("a")).toBe(true);
  await act(() => vi.advanceTimersByTimeAsync(9_900));
  expect(run).not.toHaveBeenCalled();
  await act(() => vi.advanceTimersByTimeAsync(200));
  expect(run).toHaveBeenCalledExactlyOnceWith(false);
  expect(result.current.has("a")).toBe(true);
  await act(async () => done());
  expect(result.current.has("a")).toBe(false);
});

it("deletes nothing that was taken back", async () => {
  const { result } = renderHook(useLeaving);
  const run = vi.fn();
  act(() => deleteLater("b", texts, run, vi.fn()));
  const shown = toast.list().at(-1);
  expect([shown?.text, shown?.action?.label]).toEqual(["It is deleted.", "Undo"]);
  act(() => shown?.action?.run());
  expect(result.current.has("b")).toBe(false);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(run).not.toHaveBeenCalled();
});

it("deletes at once when the page is closed, and tells that it is", async () => {
  const run = vi.fn(async () => undefined);
  act(() => deleteLater("c", texts, run, vi.fn()));
  await act(async () => void window.dispatchEvent(new Event("pagehide")));
  expect(run).toHaveBeenCalledExactlyOnceWith(true);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(run).toHaveBeenCalledTimes(1);
});

it("shows again what could not be deleted, and says why", async () => {
  const { result } = renderHook(useLeaving);
  const failure = new Error("away");
  const onFailure = vi.fn();
  act(() => deleteLater("d", texts, async () => Promise.reject(failure), onFailure));
  await act(() => vi.advanceTimersByTimeAsync(10_100));
  expect(onFailure).toHaveBeenCalledWith(failure);
  expect(result.current.has("d")).toBe(false);
});
