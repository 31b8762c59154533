import { useEffect, useRef, useState } from "react";
import { fetchFile, keepFile } from "./download";

/** One export at a time: how much of its file has come, why it did not, and how to end it. */
export function useExport() {
  const [bytes, setBytes] = useState<number>();
  const [error, setError] = useState<unknown>(null);
  const [done, setDone] = useState(false);
  const running = useRef<AbortController>(undefined);
  // Who leaves the page wants it no more.
  useEffect(() => () => running.current?.abort(), []);

  async function start(path: string, stem?: string) {
    const control = new AbortController();
    running.current = control;
    setError(null);
    setDone(false);
    setBytes(0);
    try {
      const { blob, name } = await fetchFile(path, control.signal, setBytes);
      keepFile(blob, stem === undefined ? name : `${stem}${name.slice(name.indexOf("."))}`);
      setDone(true);
    } catch (failed) {
      if (!control.signal.aborted) setError(failed);
    } finally {
      if (running.current === control) {
        running.current = undefined;
        setBytes(undefined);
      }
    }
  }

  return { bytes, error, done, start, cancel: () => running.current?.abort() };
}

export type Exporting = ReturnType<typeof useExport>;
