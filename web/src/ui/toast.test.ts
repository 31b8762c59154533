import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toast } from "./toast";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  for (const { id } of toast.list()) toast.dismiss(id);
  vi.useRealTimers();
});

const texts = () => toast.list().map(({ text }) => text);

test("a message goes after 4 seconds, one with something to do after 10", () => {
  toast.show({ text: "saved" });
  toast.show({ text: "deleted", action: { label: "Undo", run: () => undefined } });
  vi.advanceTimersByTime(3_900);
  expect(texts()).toEqual(["saved", "deleted"]);
  vi.advanceTimersByTime(400);
  expect(texts()).toEqual(["deleted"]);
  vi.advanceTimersByTime(6_000);
  expect(texts()).toEqual([]);
});

test("none goes while one points at them", () => {
  toast.show({ text: "saved" });
  toast.hold();
  vi.advanceTimersByTime(60_000);
  expect(texts()).toEqual(["saved"]);
  toast.release();
  vi.advanceTimersByTime(4_000);
  expect(texts()).toEqual([]);
});

test("one that was dismissed under the pointer holds no later ones", () => {
  const id = toast.show({ text: "saved" });
  toast.hold();
  toast.dismiss(id);
  toast.show({ text: "again" });
  vi.advanceTimersByTime(4_000);
  expect(texts()).toEqual([]);
});

test("the three newest are shown", () => {
  for (const text of ["1", "2", "3", "4"]) toast.show({ text });
  expect(texts()).toEqual(["2", "3", "4"]);
});

test("whoever listens hears each change, until it does not want to", () => {
  const heard = vi.fn();
  const stop = toast.subscribe(heard);
  const id = toast.show({ text: "saved" });
  toast.dismiss(id);
  expect(heard).toHaveBeenCalledTimes(2);
  stop();
  toast.show({ text: "saved" });
  expect(heard).toHaveBeenCalledTimes(2);
});

test("one with something to do makes room after those without, and hears that it went", () => {
  const [gone, pressed] = [vi.fn(), vi.fn()];
  const action = { label: "Undo", run: pressed };
  toast.show({ text: "1", action, onGone: gone });
  for (const text of ["2", "3", "4"]) toast.show({ text });
  expect(texts()).toEqual(["1", "3", "4"]);
  expect(gone).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10_250);
  expect(gone).toHaveBeenCalledTimes(1);
  const id = toast.show({ text: "5", action, onGone: gone });
  toast.act(id);
  vi.advanceTimersByTime(60_000);
  expect([gone.mock.calls.length, pressed.mock.calls.length, texts()]).toEqual([1, 1, []]);
});
