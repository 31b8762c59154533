import { type RefObject, useEffect, useRef } from "react";
import { useSearch } from "wouter";
import type { Entry } from "./entries";
import type { useMessages } from "./messages";
import type { Scroller } from "./scroller";

/**
 * Goes to the message that the address names (`?m=`): older pages are read until it is here, and
 * what is on none of them is on another path, which is chosen then. A page that does not come is not
 * asked for again by itself.
 */
export function useShownMessage(
  query: ReturnType<typeof useMessages>,
  drawn: readonly Entry[],
  /** Whether all that has come is drawn. */
  isWhole: boolean,
  scroller: RefObject<Scroller | undefined>,
  root: RefObject<HTMLElement | null>,
  choose: (messageId: string) => void,
): void {
  const wanted = new URLSearchParams(useSearch()).get("m");
  const shown = useRef<string>(null);
  const chosen = useRef<string>(null);
  const { isFetching } = query;
  const { more, error, load } = query.older;
  const isHeldUp = !isWhole || isFetching || error !== null;
  useEffect(() => {
    if (wanted === null || wanted === shown.current || drawn.length === 0) return;
    const name = `[data-message="${CSS.escape(wanted)}"]`;
    const found = root.current?.querySelector<HTMLElement>(name);
    if (found) {
      shown.current = wanted;
      scroller.current?.show(found);
      found.focus({ preventScroll: true });
      mark(found);
    } else if (isHeldUp) {
      return;
    } else if (more) {
      load();
    } else if (chosen.current !== wanted) {
      chosen.current = wanted;
      choose(wanted);
    }
  }, [wanted, drawn, more, isHeldUp, load, scroller, root, choose]);
}

const MARKED_MS = 2_500;

/** So that the eye finds it. */
function mark(message: HTMLElement): void {
  message.dataset.marked = "";
  setTimeout(() => delete message.dataset.marked, MARKED_MS);
}
