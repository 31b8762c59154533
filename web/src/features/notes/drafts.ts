import { session } from "../../session";
import { readStored, writeStored } from "../../ui/storage";
import type { Drafts, Text } from "./saver";

interface Draft {
  version: number;
  unsaved: Partial<Text>;
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

/** What was written in notes and is not saved yet, in this browser. */
export const drafts: Drafts & { read(id: string): Draft | undefined } = {
  read: (id) => all()[id],
  write(id, draft) {
    const kept = all();
    if (draft === undefined && kept[id] === undefined) return;
    if (draft === undefined) delete kept[id];
    else kept[id] = draft;
    writeStored(NAME, Object.keys(kept).length > 0 ? JSON.stringify(kept) : null);
  },
};

// Nothing of one user is left for the next.
session.onEnd(() => writeStored(NAME, null));
