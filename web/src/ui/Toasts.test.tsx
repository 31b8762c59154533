import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Toasts } from "./Toasts";
import { toast } from "./toast";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  cleanup();
  for (const { id } of toast.list()) toast.dismiss(id);
  vi.useRealTimers();
});

test("a button that goes with its message holds no other message", () => {
  render(<Toasts />);
  const undo = vi.fn();
  const onGone = vi.fn();
  act(() => void toast.show({ text: "saved", seconds: 60 }));
  act(() => void toast.show({ text: "deleted", action: { label: "Undo", run: undo }, onGone }));
  const button = screen.getByRole("button", { name: "Undo" });
  act(() => button.focus());
  act(() => void vi.advanceTimersByTime(70_000));
  expect(toast.list()).toHaveLength(2);
  fireEvent.click(button);
  expect([undo.mock.calls.length, onGone.mock.calls.length]).toEqual([1, 0]);
  act(() => void vi.advanceTimersByTime(61_000));
  expect(toast.list()).toEqual([]);
});
