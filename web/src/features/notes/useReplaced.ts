import { useLayoutEffect, useRef } from "react";

/**
 * A field whose text is the browser's own: it takes `text` when it is made, and each time that
 * others' text has taken the place of what stood in it, which `times` counts.
 */
export function useReplaced<Box extends HTMLInputElement | HTMLTextAreaElement>(
  text: string,
  times: number,
) {
  const box = useRef<Box>(null);
  const latest = useRef(text);
  useLayoutEffect(() => {
    latest.current = text;
  });
  useLayoutEffect(() => {
    if (times > 0 && box.current) box.current.value = latest.current;
  }, [times]);
  return box;
}
