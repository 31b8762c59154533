import { cleanup, render, screen } from "@testing-library/react";
import { useRef } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useKeyboardRoom } from "./useKeyboardRoom";

class Viewport extends EventTarget {
  height = 844;
  scale = 1;
  resizeTo(height: number) {
    this.height = height;
    this.dispatchEvent(new Event("resize"));
  }
}

function Shell() {
  const ref = useRef<HTMLDivElement>(null);
  useKeyboardRoom(ref);
  return <div ref={ref} data-testid="shell" />;
}

let viewport: Viewport;
const height = () => screen.getByTestId("shell").style.height;

beforeEach(() => {
  viewport = new Viewport();
  vi.useFakeTimers();
  vi.stubGlobal("visualViewport", viewport);
  vi.stubGlobal("innerHeight", 844);
  vi.spyOn(window, "scrollTo").mockImplementation(() => undefined);
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("the shell is as high as the keyboard leaves, once it stands still", () => {
  render(<Shell />);
  for (const step of [780, 700, 600, 508]) {
    viewport.resizeTo(step);
    vi.advanceTimersByTime(16);
    expect(height()).toBe("");
  }
  vi.advanceTimersByTime(200);
  expect(height()).toBe("508px");
  viewport.resizeTo(844);
  vi.advanceTimersByTime(200);
  expect(height()).toBe("");
});

test("bars of the browser and zooming are no keyboard", () => {
  render(<Shell />);
  viewport.resizeTo(760);
  vi.advanceTimersByTime(200);
  expect(height()).toBe("");
  viewport.scale = 2;
  viewport.resizeTo(422);
  vi.advanceTimersByTime(200);
  expect(height()).toBe("");
});
