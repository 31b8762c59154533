import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { session } from "../session";
import { logOut } from "../session/logOut";
import { deleteLater, useLeaving } from "./deletions";
import { toast } from "./toast";

const texts = { deleted: "It is deleted.", undo: "Undo" };

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await vi.runAllTimersAsync();
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
  const run = vi.fn(async () => undefined);
  act(() => deleteLater("b", texts, run, vi.fn()));
  const shown = toast.list().at(-1);
  expect([shown?.text, shown?.action?.label]).toEqual(["It is deleted.", "Undo"]);
  act(() => toast.act(shown?.id as number));
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

it("can be undone as long as its message is there, and no longer", async () => {
  const { result } = renderHook(useLeaving);
  const run = vi.fn(async () => undefined);
  act(() => deleteLater("e", texts, run, vi.fn()));
  toast.hold();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(run).not.toHaveBeenCalled();
  act(() => toast.act(toast.list().at(-1)?.id as number));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(run).not.toHaveBeenCalled();
  expect(result.current.has("e")).toBe(false);
});

it("begins when its message is closed, and is not undone while it is under way", async () => {
  const { result } = renderHook(useLeaving);
  let done: () => void = () => undefined;
  const run = vi.fn(() => new Promise<void>((resolve) => (done = resolve)));
  act(() => deleteLater("f", texts, run, vi.fn()));
  const shown = toast.list().at(-1);
  await act(async () => toast.dismiss(shown?.id as number));
  expect(run).toHaveBeenCalledExactlyOnceWith(false);
  act(() => shown?.action?.run());
  expect(result.current.has("f")).toBe(true);
  await act(async () => done());
  expect(result.current.has("f")).toBe(false);
});

it("begins when three newer messages leave no room for its Undo", async () => {
  const run = vi.fn(async () => undefined);
  const later = vi.fn(async () => undefined);
  act(() => deleteLater("g", texts, run, vi.fn()));
  for (const id of ["h", "i", "j"]) act(() => deleteLater(id, texts, later, vi.fn()));
  expect(run).toHaveBeenCalledTimes(1);
  expect(later).not.toHaveBeenCalled();
});

it("is done before a log-out, the one that is under way too", async () => {
  const order: string[] = [];
  const slow = (id: string) => async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    order.push(id);
  };
  vi.spyOn(session, "logOut").mockImplementation(async () => void order.push("log-out"));
  act(() => deleteLater("k", texts, slow("k"), vi.fn()));
  await act(async () => toast.dismiss(toast.list().at(-1)?.id as number));
  act(() => deleteLater("l", texts, slow("l"), vi.fn()));
  const left = logOut();
  await act(() => vi.advanceTimersByTimeAsync(600));
  await left;
  expect(order).toEqual(["k", "l", "log-out"]);
});

it("is not done as the next user where the session ended elsewhere", async () => {
  const { result } = renderHook(useLeaving);
  const run = vi.fn(async () => undefined);
  act(() => deleteLater("m", texts, run, vi.fn()));
  act(() => session.ended());
  expect(toast.list()).toEqual([]);
  expect(result.current.has("m")).toBe(false);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(run).not.toHaveBeenCalled();
});
