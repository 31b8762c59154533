import { type RefObject, useEffect, useRef } from "react";
import { useSearch } from "wouter";
import type { Entry } from "./entries";
import type { useMessages } from "./queries";
import type { Scroller } from "./scroller";

/** Goes to the message that the address names (`?m=`), once it is here: older pages are read until then. */
export function useShownMessage(
  query: ReturnType<typeof useMessages>,
  entries: readonly Entry[],
  scroller: RefObject<Scroller | undefined>,
  root: RefObject<HTMLElement | null>,
): void {
  const wanted = new URLSearchParams(useSearch()).get("m");
  const shown = useRef<string>(null);
  const { hasNextPage, isFetching, fetchNextPage } = query;
  useEffect(() => {
    if (wanted === null || wanted === shown.current || entries.length === 0) return;
    const name = `[data-message="${CSS.escape(wanted)}"]`;
    const found = root.current?.querySelector<HTMLElement>(name);
    if (found) {
      shown.current = wanted;
      scroller.current?.show(found);
      found.focus({ preventScroll: true });
    } else if (hasNextPage && !isFetching) {
      void fetchNextPage();
    }
  }, [wanted, entries, hasNextPage, isFetching, fetchNextPage, scroller, root]);
}
