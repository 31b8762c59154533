// Storage may be closed to a page, or full: then what was to be remembered lives as long as the page.
const here = new Map<string, string>();

/** What this browser remembers by a name of ours. */
export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(`parley.${name}`);
  } catch {
    return here.get(name) ?? null;
  }
}

/** Remembers `value`, or forgets what was there when it is null. */
export function writeStored(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`parley.${name}`);
    else localStorage.setItem(`parley.${name}`, value);
  } catch {
    if (value === null) here.delete(name);
    else here.set(name, value);
  }
}

// These are of the device, whoever uses it.
const OF_DEVICE = new Set(["theme", "language", "sidebar", "notifications"]);

/** Forgets all that is a user's: drafts, choices, and who was here. */
export function forgetUser(): void {
  here.clear();
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith("parley.") && !OF_DEVICE.has(name.slice("parley.".length)))
        localStorage.removeItem(name);
    }
  } catch {
    // Nothing was stored, then.
  }
}
