export type Shown = "search" | "shortcuts";

const listeners = new Set<() => void>();
let shown: Shown | null = null;

function set(next: Shown | null): void {
  shown = next;
  for (const listener of listeners) listener();
}

const MAC = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? "");

/** What is open over the page: the palette, the list of shortcuts, or nothing. */
export const palette = {
  open: (which: Shown) => set(which),
  close: () => set(null),
  shown: () => shown,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  /** How its key is called on this machine. */
  key: MAC ? "⌘K" : "Ctrl K",
};

const SIGNS: Record<string, string> = MAC
  ? { Mod: "⌘", Shift: "⇧", Alt: "⌥" }
  : { Mod: "Ctrl", Shift: "Shift", Alt: "Alt" };

/** The keys of a chord as they stand on the keyboard: `Mod+Shift+o` is Ctrl, Shift and O. */
export const keysOf = (chord: string): string[] =>
  chord.split("+").map((key) => SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key));
