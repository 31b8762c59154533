import { type RefObject, useLayoutEffect } from "react";

export type Placement = `${"top" | "bottom"}-${"start" | "end"}`;

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const GAP = 4;
const EDGE = 8;
const LEAST_HEIGHT = 120;

/**
 * Where something of `width` and `height` stands beside `anchor`: on the side that is wanted, or
 * on the other where it has too little room and there is more; always within the window.
 */
export function place(
  anchor: Box,
  { width, height }: { width: number; height: number },
  window: { width: number; height: number },
  placement: Placement,
): { left: number; top: number; maxHeight: number } {
  const above = anchor.top - GAP - EDGE;
  const below = window.height - anchor.bottom - GAP - EDGE;
  const [wanted, other] = placement.startsWith("top") ? [above, below] : [below, above];
  const onTop = placement.startsWith("top") === (height <= wanted || wanted >= other);
  const maxHeight = Math.max(LEAST_HEIGHT, onTop ? above : below);
  const tall = Math.min(height, maxHeight);
  const top = onTop ? anchor.top - GAP - tall : anchor.bottom + GAP;
  const left = placement.endsWith("start") ? anchor.left : anchor.right - width;
  return {
    left: within(left, window.width - width - EDGE),
    top: within(top, window.height - tall - EDGE),
    maxHeight,
  };
}

function within(value: number, most: number): number {
  return Math.max(EDGE, Math.min(value, most));
}

/** Keeps `floating` beside `anchor` while it is open, also when something scrolls or grows. */
export function useFloating(
  open: boolean,
  anchor: RefObject<HTMLElement | null>,
  floating: RefObject<HTMLElement | null>,
  placement: Placement,
  { sameWidth = false } = {},
): void {
  useLayoutEffect(() => {
    const [from, to] = [anchor.current, floating.current];
    if (!open || from === null || to === null) return;

    function move() {
      if (from === null || to === null) return;
      const beside = from.getBoundingClientRect();
      if (sameWidth) to.style.minWidth = `${beside.width}px`;
      // As tall as it would like to be.
      const size = { width: to.offsetWidth, height: to.scrollHeight };
      const window = { width: document.documentElement.clientWidth, height: innerHeight };
      const { left, top, maxHeight } = place(beside, size, window, placement);
      to.style.left = `${left}px`;
      to.style.top = `${top}px`;
      to.style.maxHeight = `${maxHeight}px`;
    }

    const sizes = new ResizeObserver(move);
    for (const element of [from, to]) sizes.observe(element);
    // Scrolls of any part of the page are heard on their way down; its own move nothing.
    const onScroll = ({ target }: Event) => target !== to && move();
    document.addEventListener("scroll", onScroll, true);
    addEventListener("resize", move);
    move();
    return () => {
      sizes.disconnect();
      document.removeEventListener("scroll", onScroll, true);
      removeEventListener("resize", move);
    };
  }, [open, anchor, floating, placement, sameWidth]);
}
