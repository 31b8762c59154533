import { configure } from "@testing-library/dom";
import { vi } from "vitest";

// Before each file: the files of a worker share one page, since a page of its own took each of them longer
// than its tests. What one has left there, or in a module, is no other's.
vi.useRealTimers();
vi.resetModules();
document.body.replaceChildren();
localStorage.clear();
sessionStorage.clear();
history.replaceState(null, "", "/");

// What is looked for comes when it comes: a second is short on a machine that others use too.
configure({ asyncUtilTimeout: 30_000 });

// What a file says to other tabs no module of a file before it hears: a log-out would be one there, too, and forget
// what is stored by then.
const page = globalThis as { OfAllFiles?: typeof BroadcastChannel };
page.OfAllFiles ??= BroadcastChannel;
const file = crypto.randomUUID();
globalThis.BroadcastChannel = class extends page.OfAllFiles {
  constructor(name: string) {
    super(`${file}.${name}`);
  }
};
