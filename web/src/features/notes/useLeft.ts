import { useEffect } from "react";
import { drafts } from "./drafts";

/** Saves what was left unsaved of notes in this browser, once whoever wrote it is here again. */
export function useLeft(): void {
  useEffect(() => {
    if (drafts.ids().length === 0) return;
    // What cannot be fetched now is saved at the next visit, or where its note is opened.
    import("./left").then(
      ({ saveLeft }) => saveLeft(),
      () => undefined,
    );
  }, []);
}
