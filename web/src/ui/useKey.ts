import { type KeyboardEvent as ReactKeyboardEvent, useLayoutEffect, useRef } from "react";

type AnyKeyboardEvent = KeyboardEvent | ReactKeyboardEvent;

/**
 * Which key was pressed, as `Enter`, `Shift+Enter`, `Mod+k` (Ctrl, or Command on a Mac), `?`;
 * undefined while an input method composes: that key is the input method's own.
 * Safari ends the composition before it tells of the key, and leaves only the code 229.
 */
export function keyOf(event: AnyKeyboardEvent): string | undefined {
  const native = "nativeEvent" in event ? event.nativeEvent : event;
  if (native.isComposing || native.keyCode === 229) return undefined;
  const { key } = native;
  const mac = /Mac|iP(hone|ad)/.test(navigator.platform);
  const mod = mac ? native.metaKey : native.ctrlKey;
  const other = mac ? native.ctrlKey : native.metaKey;
  // A character such as ? already says that Shift was held.
  const shift = native.shiftKey && (key.length > 1 || mod);
  return [
    mod && "Mod",
    other && (mac ? "Ctrl" : "Meta"),
    native.altKey && "Alt",
    shift && "Shift",
    mod && key.length === 1 ? key.toLowerCase() : key,
  ]
    .filter(Boolean)
    .join("+");
}

/** Handlers by key: what handles a key keeps it from everything else, unless it gives false. */
export type Keys = Record<string, ((event: AnyKeyboardEvent) => unknown) | undefined>;

/** An `onKeyDown` for `keys`. */
export function onKeys(keys: Keys) {
  return (event: AnyKeyboardEvent) => {
    const key = keyOf(event);
    const handle = key === undefined ? undefined : keys[key];
    if (handle === undefined || handle(event) === false) return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/** Whether what is typed goes into a text. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]")
  );
}

/**
 * Handles keys of the whole page while the component is there. Keys without Mod, Escape apart,
 * are left alone while one types, and all while a dialog is open, unless `always` is set.
 */
export function useKeys(keys: Keys, { always = false } = {}): void {
  const latest = useRef(keys);
  // Before the page is painted: a key pressed as soon as it is seen is not lost.
  useLayoutEffect(() => {
    latest.current = keys;
  });
  useLayoutEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if (event.defaultPrevented) return;
      const key = keyOf(event);
      if (key === undefined) return;
      const chord = key.startsWith("Mod+") || key === "Escape";
      if (!chord && isTyping(event.target)) return;
      if (!always && document.querySelector("dialog:modal") !== null) return;
      onKeys(latest.current)(event);
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [always]);
}
