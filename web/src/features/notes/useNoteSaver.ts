import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { beforeLogOut } from "../../session/unfinished";
import { drafts } from "./drafts";
import { tellOpen } from "./open";
import { server, showInLists } from "./requests";
import { type Note, NoteSaver } from "./saver";

/** Saves `note`, as it was opened, while it is written; what is left to save is sent at the end. */
export function useNoteSaver(note: Note) {
  const [saver] = useState(() => {
    const made = new NoteSaver(note, server, drafts, showInLists);
    const draft = drafts.read(note.id);
    if (draft) made.takeUp(draft);
    return made;
  });
  const saving = useSyncExternalStore(saver.subscribe, saver.saving);
  const latest = useRef(saver);
  useEffect(() => {
    const kept = latest.current;
    const flush = () => void kept.flush();
    const close = () => kept.close();
    const follow = () => void kept.follow();
    document.addEventListener("visibilitychange", flush);
    addEventListener("pagehide", close);
    // Whoever comes back to it has been elsewhere: in another tab, or on another device.
    addEventListener("focus", follow);
    const leave = tellOpen(kept.shown().id);
    const forget = beforeLogOut(() => kept.finish());
    return () => {
      document.removeEventListener("visibilitychange", flush);
      removeEventListener("pagehide", close);
      removeEventListener("focus", follow);
      // A log-out waits for what is under way then, too.
      void kept.finish().finally(forget).finally(leave);
    };
  }, []);
  return { saver, saving };
}
