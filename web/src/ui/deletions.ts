import { useSyncExternalStore } from "react";
import { session } from "../session";
import { beforeLogOut } from "../session/unfinished";
import { toast } from "./toast";

const SECONDS = 10;

interface Leaving {
  /** Deletes, once only; returns when that is done or has failed. */
  begin: (closing: boolean) => Promise<void>;
}

const leaving = new Map<string, Leaving>();
const listeners = new Set<() => void>();
let ids: ReadonlySet<string> = new Set();

function told() {
  ids = new Set(leaving.keys());
  for (const listener of [...listeners]) listener();
}

/**
 * Deletes once the message that says so has gone and *Undo* was not pressed, or at once when the page
 * is closed: `run` is then told that it has to outlive the page. What it rejects with goes to
 * `onFailure`. Until it is done, `useLeaving` has the id, so that lists can leave it out whatever the
 * server still says.
 */
export function deleteLater(
  id: string,
  texts: { deleted: string; undo: string },
  run: (closing: boolean) => Promise<unknown>,
  onFailure: (error: unknown) => void,
): void {
  if (leaving.has(id)) return;
  let deletion: Promise<void> | undefined;
  const one: Leaving = {
    async begin(closing) {
      if (leaving.get(id) !== one) return;
      // The request that is under way may end with the page: a second one finds nothing, at worst.
      if (closing && deletion !== undefined) return void run(true).catch(() => undefined);
      deletion ??= run(closing).then(
        () => forget(id, one),
        (error) => {
          forget(id, one);
          onFailure(error);
        },
      );
      toast.dismiss(shown);
      await deletion;
    },
  };
  leaving.set(id, one);
  told();
  // One clock for both: there is an Undo exactly as long as it can be undone.
  const shown = toast.show({
    text: texts.deleted,
    seconds: SECONDS,
    action: {
      label: texts.undo,
      run: () => {
        if (deletion === undefined) forget(id, one);
      },
    },
    onGone: () => void one.begin(false),
  });
}

function forget(id: string, one: Leaving) {
  if (leaving.get(id) !== one) return;
  leaving.delete(id);
  told();
}

beforeLogOut(async () => {
  await Promise.all([...leaving.values()].map((one) => one.begin(false)));
});

/** Ids of what is deleted on the screen and perhaps not yet at the server. */
export function useLeaving(): ReadonlySet<string> {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => ids,
  );
}

globalThis.addEventListener?.("pagehide", () => {
  for (const one of [...leaving.values()]) void one.begin(true);
});

// What waits is this user's: it must not be done as the next, and cannot be undone by them.
session.onEnd(() => {
  leaving.clear();
  told();
  toast.forget();
});
