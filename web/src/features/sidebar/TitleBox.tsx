import { useEffect, useRef } from "react";
import { useText } from "../../i18n";
import { onKeys } from "../../ui/useKey";
import styles from "./Row.module.css";
import { useHolding } from "./useHold";

const LONGEST = 200;

/** The title of a conversation, to be changed in its place. Gives undefined if it is to stay. */
export function TitleBox({
  title,
  hold,
  onDone,
}: {
  title: string;
  hold: (reason: string, holds: boolean) => void;
  onDone: (title: string | undefined) => void;
}) {
  const t = useText();
  const box = useRef<HTMLInputElement>(null);
  const done = useRef(false);

  useHolding(hold, "title");
  useEffect(() => box.current?.select(), []);

  function finish(given: string | undefined) {
    // To leave the box by a key takes the focus from it as well.
    if (done.current) return;
    done.current = true;
    onDone(given?.trim() || undefined);
  }

  return (
    <input
      ref={box}
      className={styles.box}
      aria-label={t.sidebar.title}
      defaultValue={title}
      maxLength={LONGEST}
      // biome-ignore lint/a11y/noAutofocus: it takes the place of what had the focus
      autoFocus
      onBlur={(event) => finish(event.target.value)}
      onKeyDown={onKeys({
        Enter: () => finish(box.current?.value),
        Escape: () => finish(undefined),
      })}
    />
  );
}
