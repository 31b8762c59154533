import type { notices } from "../../stream";
import { isWished, show, wish } from "./wish";

const SEEN = "parley.seen";

/**
 * Shows a notification, with what `say` says, of an answer that has ended while none of this browser's
 * pages is seen, and that was not stopped; a press on it leads to the conversation by `open`. Until the
 * function that it gives is called.
 */
export function notifyOfAnswers(
  listen: typeof notices.listen,
  say: (failed: boolean) => string,
  open: (sessionId: string) => void,
): () => void {
  const unsee = tellSeen();
  const unlisten = listen(async ({ topic, change, status, run_id, session_id }) => {
    if (topic !== "runs" || change !== "ended" || status === "cancelled") return;
    if (!document.hidden || !isWished() || (await isSeen())) return;
    // Of those that several pages show of one run one is left.
    const shown = show(say(status === "failed"), run_id);
    if (shown === undefined) {
      // The settings are to say what is so.
      await wish(undefined);
      return;
    }
    shown.onclick = () => {
      window.focus();
      if (session_id !== undefined) open(session_id);
      shown.close();
    };
  });
  return () => {
    unlisten();
    unsee();
  };
}

async function isSeen(): Promise<boolean> {
  const { held } = (await navigator.locks?.query()) ?? {};
  return held?.some(({ name }) => name === SEEN) ?? false;
}

/** Has other pages know, by a lock, while somebody sees this one. */
function tellSeen(): () => void {
  let release: (() => void) | undefined;
  const unsee = () => {
    release?.();
    release = undefined;
  };
  const look = () => {
    if (document.hidden) unsee();
    else if (release === undefined) {
      const unseen = new Promise<void>((resolve) => {
        release = resolve;
      });
      void navigator.locks?.request(SEEN, { mode: "shared" }, () => unseen);
    }
  };
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    document.removeEventListener("visibilitychange", look);
    unsee();
  };
}
