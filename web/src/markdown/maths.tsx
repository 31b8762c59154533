import { useLayoutEffect, useRef, useState } from "react";
import { fetchedOnce } from "./fetched-once";
import styles from "./markdown.module.css";

type Draw = typeof import("./katex").draw;

let draw: Draw | undefined;
const load = fetchedOnce(async () => {
  ({ draw } = await import("./katex"));
  return draw;
});

const CLOSING: Record<string, string> = { "\\(": "\\)", "\\[": "\\]" };

interface Props {
  source: string;
  markup: string;
  display: boolean;
  open: boolean;
}

/** A formula; its source until it can be drawn, and for good where it cannot. */
export function Maths({ source, markup, display, open }: Props) {
  const host = useRef<HTMLSpanElement>(null);
  const [drawn, setDrawn] = useState(false);

  useLayoutEffect(() => {
    if (open) return;
    let gone = false;
    const show = (drawInto: Draw) => {
      if (!gone && host.current !== null) setDrawn(drawInto(host.current, source, display));
    };
    if (draw !== undefined) show(draw);
    else load().then(show, () => setDrawn(false));
    return () => {
      gone = true;
    };
  }, [source, display, open]);

  const shown = drawn && !open;
  const raw = open ? markup + source : markup + source + (CLOSING[markup] ?? markup);
  const parts = [
    <span key="drawn" ref={host} hidden={!shown} />,
    shown ? null : (
      <code key="source" className={styles.source}>
        {raw.trim()}
      </code>
    ),
  ];
  if (!display) return <span>{parts}</span>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
    <span tabIndex={0} className={styles.formula}>
      {parts}
    </span>
  );
}
