import { type FocusEvent, useMemo, useState } from "react";

/**
 * Whether a list must not move: a pointer is over it, the keyboard is in it, or something of it is
 * open. `hold` is null while it may; `moved` lets it move once.
 */
export function useHold() {
  const [reasons, setReasons] = useState<ReadonlySet<string>>(new Set());
  const [turn, setTurn] = useState(0);
  const handlers = useMemo(() => {
    const set = (reason: string, holds: boolean) =>
      setReasons((before) => {
        if (before.has(reason) === holds) return before;
        const after = new Set(before);
        if (holds) after.add(reason);
        else after.delete(reason);
        return after;
      });
    return {
      set,
      moved: () => setTurn((before) => before + 1),
      over: {
        onPointerEnter: (event: { pointerType: string }) =>
          event.pointerType === "mouse" && set("pointer", true),
        onPointerLeave: () => set("pointer", false),
        onFocus: (event: FocusEvent) => set("keyboard", event.target.matches(":focus-visible")),
        onBlur: () => set("keyboard", false),
      },
    };
  }, []);
  return { hold: reasons.size > 0 ? turn : null, ...handlers };
}
