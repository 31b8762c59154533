import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { keyOf, onKeys, useKeys } from "./useKey";

afterEach(cleanup);

const press = (key: string, more: KeyboardEventInit = {}) =>
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });

test("keys are named with what is held", () => {
  expect(keyOf(press("Enter"))).toBe("Enter");
  expect(keyOf(press("Enter", { shiftKey: true }))).toBe("Shift+Enter");
  expect(keyOf(press("K", { ctrlKey: true }))).toBe("Mod+k");
  expect(keyOf(press("S", { ctrlKey: true, shiftKey: true }))).toBe("Mod+Shift+s");
  expect(keyOf(press("?", { shiftKey: true }))).toBe("?");
  expect(keyOf(press("k", { metaKey: true }))).toBe("Meta+k");
});

test("on a Mac Command is what Ctrl is elsewhere", () => {
  vi.spyOn(navigator, "platform", "get").mockReturnValue("MacIntel");
  expect(keyOf(press("k", { metaKey: true }))).toBe("Mod+k");
  expect(keyOf(press("k", { ctrlKey: true }))).toBe("Ctrl+k");
});

test("the keys of an input method are its own, in Safari's order too", () => {
  expect(keyOf(press("Enter", { isComposing: true }))).toBeUndefined();
  expect(keyOf(press("Enter", { keyCode: 229 }))).toBeUndefined();
  expect(keyOf(press("Escape", { isComposing: true }))).toBeUndefined();
});

test("what handles a key keeps it from everything else, unless it says no", () => {
  const event = press("Escape");
  onKeys({ Escape: () => undefined })(event);
  expect(event.defaultPrevented).toBe(true);
  const passed = press("Escape");
  onKeys({ Escape: () => false })(passed);
  expect(passed.defaultPrevented).toBe(false);
});

test("keys of the page leave alone what is typed, but for chords and Escape", () => {
  const heard: string[] = [];
  function Page() {
    useKeys({
      "/": () => heard.push("/"),
      "Mod+k": () => heard.push("Mod+k"),
      Escape: () => heard.push("Escape"),
    });
    return <input aria-label="text" />;
  }
  const { unmount } = render(<Page />);
  const input = screen.getByLabelText("text");
  for (const target of [document.body, input])
    for (const event of [press("/"), press("k", { ctrlKey: true }), press("Escape")])
      target.dispatchEvent(event);
  expect(heard).toEqual(["/", "Mod+k", "Escape", "Mod+k", "Escape"]);
  unmount();
  document.body.dispatchEvent(press("/"));
  expect(heard).toHaveLength(5);
});
