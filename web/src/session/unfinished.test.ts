import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { session } from ".";
import { logOut } from "./logOut";
import { beforeLogOut } from "./unfinished";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(session, "logOut").mockResolvedValue();
});
afterEach(() => void vi.useRealTimers());

test("a log-out waits for what is being saved", async () => {
  let saved: () => void = () => undefined;
  const forget = beforeLogOut(() => new Promise((resolve) => (saved = resolve)));
  const out = logOut();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(session.logOut).not.toHaveBeenCalled();
  saved();
  await out;
  expect(session.logOut).toHaveBeenCalledOnce();
  forget();
});

test("what hangs keeps nobody logged in for longer than five seconds", async () => {
  const forget = beforeLogOut(() => new Promise(() => undefined));
  void logOut();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(session.logOut).toHaveBeenCalledOnce();
  forget();
});
