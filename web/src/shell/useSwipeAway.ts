import { type RefObject, useEffect } from "react";

const FAR = 48;

/** Calls `onAway` when a finger pushes `element` to the left, and not up or down. */
export function useSwipeAway(
  element: RefObject<HTMLElement | null>,
  onAway: (() => void) | undefined,
): void {
  useEffect(() => {
    const target = element.current;
    if (target === null || onAway === undefined) return;
    let from: Touch | undefined;

    const onStart = ({ touches }: TouchEvent) => {
      from = touches.length === 1 ? touches[0] : undefined;
    };
    const onEnd = ({ changedTouches: [to] }: TouchEvent) => {
      if (from === undefined || to === undefined) return;
      const [across, along] = [from.clientX - to.clientX, Math.abs(from.clientY - to.clientY)];
      from = undefined;
      if (across > FAR && across > 2 * along) onAway();
    };
    target.addEventListener("touchstart", onStart, { passive: true });
    target.addEventListener("touchend", onEnd, { passive: true });
    return () => {
      target.removeEventListener("touchstart", onStart);
      target.removeEventListener("touchend", onEnd);
    };
  }, [element, onAway]);
}
