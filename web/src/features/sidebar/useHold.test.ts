import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useHold } from "./useHold";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const later = (milliseconds: number) => act(() => vi.advanceTimersByTime(milliseconds));

test("the list stands still while a pointer moves over it, and five seconds longer", () => {
  const { result } = renderHook(useHold);
  expect(result.current.hold).toBeNull();
  const { over } = result.current;
  act(() => over.onPointerMove({ pointerType: "mouse" }));
  later(4_000);
  act(() => over.onPointerMove({ pointerType: "mouse" }));
  later(4_900);
  expect(result.current.hold).not.toBeNull();
  later(100);
  expect(result.current.hold).toBeNull();
});

test("once the pointer has left it may move", () => {
  const { result } = renderHook(useHold);
  act(() => result.current.over.onWheel());
  act(() => result.current.over.onPointerLeave());
  expect(result.current.hold).toBeNull();
});

test("a finger that was lifted holds nothing", () => {
  const { result } = renderHook(useHold);
  act(() => result.current.over.onPointerMove({ pointerType: "touch" }));
  expect(result.current.hold).toBeNull();
});

test("what is open holds it, however long, and what one does lets it move once", () => {
  const { result } = renderHook(useHold);
  act(() => result.current.set("menu", true));
  later(60_000);
  const before = result.current.hold;
  expect(before).not.toBeNull();
  act(() => result.current.moved());
  expect(result.current.hold).not.toBe(before);
  act(() => result.current.set("menu", false));
  expect(result.current.hold).toBeNull();
});
