import { useEffect, useState } from "react";
import type { Entry } from "./entries";

/** A screen of short messages. */
const NEWEST = 8;

/**
 * Of the entries those that are drawn by now. Whoever opens a conversation, or another path of it, has the newest at
 * once, and does not wait for what is out of sight. Older ones are drawn as they come, all at once: behind each step
 * all that stands below it is laid out anew.
 */
export function useDrawn(entries: readonly Entry[]): readonly Entry[] {
  /** An entry of the path that is drawn to its beginning. */
  const [known, setKnown] = useState<string>();
  const isWhole = entries.length <= NEWEST || entries.some(({ key }) => key === known);
  const first = entries[0]?.key;
  useEffect(() => {
    if (isWhole) {
      setKnown(first);
      return;
    }
    const timer = setTimeout(() => setKnown(first));
    return () => clearTimeout(timer);
  }, [first, isWhole]);
  return isWhole ? entries : entries.slice(-NEWEST);
}
