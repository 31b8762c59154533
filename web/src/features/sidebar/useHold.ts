import { type FocusEvent, useEffect, useMemo, useState } from "react";

/** So long after its last move a pointer that rests in the list is no reason any more. */
const REST = 5_000;

/**
 * Whether a list must not move: a pointer or the keyboard is at work in it, or something of it is
 * open. `hold` is null while it may; `moved` lets it move once.
 */
export function useHold() {
  const [reasons, setReasons] = useState<ReadonlySet<string>>(new Set());
  const [turn, setTurn] = useState(0);
  const hands = useMemo(() => {
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const set = (reason: string, holds: boolean) => {
      clearTimeout(timers.get(reason));
      setReasons((before) => {
        if (before.has(reason) === holds) return before;
        const after = new Set(before);
        if (holds) after.add(reason);
        else after.delete(reason);
        return after;
      });
    };
    const atWork = (reason: string) => {
      set(reason, true);
      timers.set(
        reason,
        setTimeout(() => set(reason, false), REST),
      );
    };
    return {
      set,
      moved: () => setTurn((before) => before + 1),
      end: () => timers.forEach(clearTimeout),
      over: {
        // A finger is on the list only as long as it moves it.
        onPointerMove: (event: { pointerType: string }) =>
          event.pointerType !== "touch" && atWork("pointer"),
        onWheel: () => atWork("pointer"),
        onPointerLeave: () => set("pointer", false),
        onKeyDown: () => atWork("keyboard"),
        onFocus: (event: FocusEvent) =>
          event.target.matches(":focus-visible") && atWork("keyboard"),
        onBlur: () => set("keyboard", false),
      },
    };
  }, []);
  useEffect(() => hands.end, [hands]);
  const { set, moved, over } = hands;
  return { hold: reasons.size > 0 ? turn : null, set, moved, over };
}

/** Holds the list as long as the component is there. */
export function useHolding(hold: (reason: string, holds: boolean) => void, reason: string): void {
  useEffect(() => {
    hold(reason, true);
    return () => hold(reason, false);
  }, [hold, reason]);
}
