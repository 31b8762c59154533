import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { errorOf, uploading } from "../../api";
import { repeatable } from "../../api/repeatable";
import { importsKey } from "./useImports";

/** A file on its way: how much of it has gone, why it did not arrive, and how to stop it. */
export function useUpload() {
  const queries = useQueryClient();
  const [sent, setSent] = useState<{ name: string; done: number }>();
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController>(undefined);
  // Who sends the same once more has one import of it, and not two.
  const keyOf = useRef(repeatable());
  useEffect(() => () => running.current?.abort(), []);

  async function start(file: File) {
    const control = new AbortController();
    running.current = control;
    setError(null);
    setSent({ name: file.name, done: 0 });
    try {
      const form = new FormData();
      form.append("file", file, file.name);
      const answer = await uploading("/api/v1/chat/import", form, {
        headers: keyOf.current([file.name, file.size, file.lastModified]),
        signal: control.signal,
        onProgress: (done) => setSent({ name: file.name, done }),
      });
      if (!answer.ok) throw await errorOf(answer);
      // It has come. The same file once more is another import.
      keyOf.current = repeatable();
      await queries.invalidateQueries({ queryKey: importsKey });
    } catch (failed) {
      if (!control.signal.aborted) setError(failed);
    } finally {
      if (running.current === control) {
        running.current = undefined;
        setSent(undefined);
      }
    }
  }

  return { sent, error, start, cancel: () => running.current?.abort() };
}
