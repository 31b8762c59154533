import { type RefObject, useCallback } from "react";

/** Whether the browser makes a field as high as its text. */
export const fitsItself = CSS.supports("field-sizing: content");

/** Makes a field as high as its text, where the browser does not: to be called when that changes. */
export function useFit(area: RefObject<HTMLTextAreaElement | null>): () => void {
  return useCallback(() => {
    const element = area.current;
    if (fitsItself || element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [area]);
}
