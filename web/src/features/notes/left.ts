import { ApiError, isNotFound } from "../../api/errors";
import { drafts } from "./drafts";
import { unlessOpen } from "./open";
import { readNote, server, showInLists } from "./requests";
import { NoteSaver } from "./saver";

/**
 * Saves what pages that are gone have left unsaved: browsers take no more than 64 KiB of one that goes.
 * What was changed elsewhere meanwhile stays a draft, and is asked about where its note is opened.
 */
export async function saveLeft(): Promise<void> {
  for (const id of drafts.ids()) await unlessOpen(id, () => save(id));
}

async function save(id: string): Promise<void> {
  const draft = drafts.read(id);
  if (draft === undefined) return;
  try {
    const saver = new NoteSaver(await readNote(id), server, drafts, showInLists);
    saver.takeUp(draft);
    await saver.finish();
    saver.rest();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Whoever deleted the note did not want it. Anything else is tried again at the next visit.
    if (isNotFound(error)) drafts.write(id, undefined);
  }
}
