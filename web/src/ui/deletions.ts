import { useSyncExternalStore } from "react";
import { toast } from "./toast";

const SECONDS = 10;

interface Leaving {
  run: (closing: boolean) => Promise<unknown>;
  timer: ReturnType<typeof setTimeout>;
}

const leaving = new Map<string, Leaving>();
const listeners = new Set<() => void>();
let ids: ReadonlySet<string> = new Set();

function told() {
  ids = new Set(leaving.keys());
  for (const listener of [...listeners]) listener();
}

/**
 * Deletes after ten seconds in which it can be undone, or at once when the page is closed: `run` is
 * then told that it has to outlive the page. What it rejects with goes to `onFailure`. Until it is
 * done, `useLeaving` has the id, so that lists can leave it out whatever the server still says.
 */
export function deleteLater(
  id: string,
  texts: { deleted: string; undo: string },
  run: (closing: boolean) => Promise<unknown>,
  onFailure: (error: unknown) => void,
): void {
  if (leaving.has(id)) return;
  const finish = async (closing: boolean) => {
    clearTimeout(timer);
    try {
      await run(closing);
    } catch (error) {
      onFailure(error);
    } finally {
      leaving.delete(id);
      told();
    }
  };
  const timer = setTimeout(() => void finish(false), SECONDS * 1000);
  leaving.set(id, { run: finish, timer });
  told();
  toast.show({
    text: texts.deleted,
    seconds: SECONDS,
    action: { label: texts.undo, run: () => keep(id) },
  });
}

function keep(id: string) {
  const one = leaving.get(id);
  if (one === undefined) return;
  clearTimeout(one.timer);
  leaving.delete(id);
  told();
}

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
  for (const one of [...leaving.values()]) void one.run(true);
});
