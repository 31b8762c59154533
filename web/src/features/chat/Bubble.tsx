import { useState } from "react";
import { useText } from "../../i18n";
import { useNarrow } from "../../ui/narrow";
import { isLonger } from "./lines";
import styles from "./Message.module.css";

/** The question as it was typed; a long one shows its beginning, so that its answer is in sight. */
export function Bubble({ text, failed = false }: { text: string; failed?: boolean }) {
  const t = useText();
  const isLong = useNarrow() ? isLonger(text, 8, 32) : isLonger(text, 14, 70);
  const [unfolded, setUnfolded] = useState(false);
  const folded = isLong && !unfolded;
  return (
    <div className={styles.bubble} data-failed={failed || undefined}>
      <div className={folded ? styles.folded : undefined}>{text}</div>
      {isLong && (
        <button
          type="button"
          className={styles.unfold}
          aria-expanded={!folded}
          onClick={() => setUnfolded(folded)}
        >
          {folded ? t.chat.showAll : t.chat.showLess}
        </button>
      )}
    </div>
  );
}
