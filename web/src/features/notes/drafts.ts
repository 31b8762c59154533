import { session } from "../../session";
import { readStored, writeStored } from "../../ui/storage";
import type { Drafts, Text } from "./saver";

interface Draft {
  version: number;
  unsaved: Partial<Text>;
}

interface Kept extends Drafts {
  read(id: string): Draft | undefined;
  ids(): string[];
  /** The same in one string, which is equal to itself while they are. */
  names(): string;
  /** Calls `listener` whenever they may be others, here or in another page, until the function that it gives is called. */
  subscribe(listener: () => void): () => void;
}

// One place for all of a user's, so that a log-out finds them.
const NAME = "note-drafts";

function all(): Record<string, Draft> {
  try {
    return JSON.parse(readStored(NAME) ?? "{}") as Record<string, Draft>;
  } catch {
    return {};
  }
}

const listeners = new Set<() => void>();

const tell = () => {
  for (const listener of [...listeners]) listener();
};

/** What was written in notes and is not saved yet, in this browser. */
export const drafts: Kept = {
  read: (id) => all()[id],
  ids: () => Object.keys(all()),
  names: () => drafts.ids().join(" "),
  subscribe(listener) {
    listeners.add(listener);
    addEventListener("storage", listener);
    return () => {
      listeners.delete(listener);
      removeEventListener("storage", listener);
    };
  },
  write(id, draft) {
    const kept = all();
    if (draft === undefined && kept[id] === undefined) return;
    if (draft === undefined) delete kept[id];
    else kept[id] = draft;
    writeStored(NAME, Object.keys(kept).length > 0 ? JSON.stringify(kept) : null);
    tell();
  },
};

// Nothing of one user is left for the next.
session.onEnd(() => writeStored(NAME, null));
