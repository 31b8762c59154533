import { errorOf, uploading } from "../../api";
import { repeatable } from "../../api/repeatable";
import { queries } from "../../queries";
import { session } from "../../session";
import { importsKey } from "./useImports";

interface State {
  /** The file on its way, and what share of it has gone. */
  sent: { name: string; done: number } | undefined;
  /** Why the last one did not arrive. */
  error: unknown;
}

const IDLE: State = { sent: undefined, error: null };
const listeners = new Set<() => void>();
let state = IDLE;
let running: AbortController | undefined;
// Who sends the same once more has one import of it, and not two.
let headersOf = repeatable();

function set(next: Partial<State>): void {
  state = { ...state, ...next };
  for (const listener of [...listeners]) listener();
}

/** Has the browser ask whoever closes the page in the middle of it. */
function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** The file that is imported: one at a time, and on its way wherever one goes within the pages. */
export const importUpload = {
  state: () => state,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  async start(file: File): Promise<void> {
    if (running !== undefined) return;
    const control = new AbortController();
    running = control;
    addEventListener("beforeunload", warn);
    set({ error: null, sent: { name: file.name, done: 0 } });
    try {
      const form = new FormData();
      form.append("file", file, file.name);
      const answer = await uploading("/api/v1/chat/import", form, {
        headers: headersOf([file.name, file.size, file.lastModified]),
        signal: control.signal,
        onProgress: (done) => set({ sent: { name: file.name, done } }),
      });
      if (!answer.ok) throw await errorOf(answer);
      // It has come. The same file once more is another import.
      headersOf = repeatable();
      await queries.invalidateQueries({ queryKey: importsKey });
    } catch (error) {
      if (!control.signal.aborted) set({ error });
    } finally {
      removeEventListener("beforeunload", warn);
      running = undefined;
      set({ sent: undefined });
    }
  },
  cancel(): void {
    running?.abort();
  },
};

// It is this user's alone.
session.onEnd(() => {
  importUpload.cancel();
  headersOf = repeatable();
  set({ error: null });
});
