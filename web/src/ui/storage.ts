/** Storage may be closed to a page, or full: then what was to be remembered lives as long as the page. */
class Memory {
  readonly #here = new Map<string, string>();
  readonly #storage: () => Storage;

  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  read(name: string): string | null {
    try {
      return this.#storage().getItem(`parley.${name}`);
    } catch {
      return this.#here.get(name) ?? null;
    }
  }

  write(name: string, value: string | null): void {
    try {
      if (value === null) this.#storage().removeItem(`parley.${name}`);
      else this.#storage().setItem(`parley.${name}`, value);
    } catch {
      if (value === null) this.#here.delete(name);
      else this.#here.set(name, value);
    }
  }

  /** The names of ours that outlive the page. */
  names(): string[] {
    try {
      const ours = Object.keys(this.#storage()).filter((name) => name.startsWith("parley."));
      return ours.map((name) => name.slice("parley.".length));
    } catch {
      return [];
    }
  }

  /** Forgets all of ours but `kept`. */
  forget(kept: ReadonlySet<string>): void {
    this.#here.clear();
    for (const name of this.names()) if (!kept.has(name)) this.write(name, null);
  }
}

const browser = new Memory(() => localStorage);
const tab = new Memory(() => sessionStorage);

// These are of the device, whoever uses it.
const OF_DEVICE = new Set(["theme", "language", "sidebar", "notifications"]);

/** What this browser remembers by a name of ours. */
export const readStored = (name: string) => browser.read(name);

/** Remembers `value`, or forgets what was there when it is null. */
export const writeStored = (name: string, value: string | null) => browser.write(name, value);

/** By which names it remembers something that outlives the page. */
export const namesStored = () => browser.names();

/** What this tab remembers. */
export const readInTab = (name: string) => tab.read(name);

/** Remembers `value` until the tab is closed or the user logs out. */
export const writeInTab = (name: string, value: string | null) => tab.write(name, value);

/** Forgets all that is a user's: drafts, choices, and who was here. */
export const forgetUser = () => browser.forget(OF_DEVICE);

/** Forgets what the tab was used for: whoever comes next may be another. */
export const forgetTab = () => tab.forget(new Set());
