import { useEffect, useRef, useState } from "react";
import { Scroller } from "./scroller";

/** A Scroller over three elements of one component, and whether something is hidden below. */
export function useScroller() {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const spacer = useRef<HTMLDivElement>(null);
  const scroller = useRef<Scroller>(undefined);
  const [below, setBelow] = useState(false);
  useEffect(() => {
    if (!box.current || !content.current || !spacer.current) return;
    const parts = { box: box.current, content: content.current, spacer: spacer.current };
    const made = new Scroller(parts, setBelow);
    scroller.current = made;
    made.follow();
    return () => made.leave();
  }, []);
  return { box, content, spacer, scroller, below };
}
