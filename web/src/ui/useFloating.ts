import {
  autoUpdate,
  computePosition,
  flip,
  offset,
  type Placement,
  shift,
  size,
} from "@floating-ui/dom";
import { type RefObject, useLayoutEffect } from "react";

/** Keeps `floating` beside `anchor` while it is open, within the window, no taller than its room. */
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
    return autoUpdate(from, to, () => {
      computePosition(from, to, {
        placement,
        strategy: "fixed",
        middleware: [
          offset(4),
          flip({ padding: 8 }),
          shift({ padding: 8 }),
          size({
            padding: 8,
            apply({ availableHeight, rects }) {
              to.style.maxHeight = `${Math.max(120, availableHeight)}px`;
              if (sameWidth) to.style.minWidth = `${rects.reference.width}px`;
            },
          }),
        ],
      }).then(({ x, y }) => {
        to.style.left = `${x}px`;
        to.style.top = `${y}px`;
      });
    });
  }, [open, anchor, floating, placement, sameWidth]);
}
