import { useSyncExternalStore } from "react";

const narrow = matchMedia("(max-width: 40rem)");

/** Whether the page is as narrow as on a phone; it follows while the window changes. */
export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => narrow.matches);

function subscribe(listener: () => void) {
  narrow.addEventListener("change", listener);
  return () => narrow.removeEventListener("change", listener);
}
