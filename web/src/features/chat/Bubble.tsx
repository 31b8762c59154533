import { useState } from "react";
import { useText } from "../../i18n";
import styles from "./Message.module.css";

/** The question as it was typed; a long one shows its beginning, so that its answer is in sight. */
export function Bubble({ text, failed = false }: { text: string; failed?: boolean }) {
  const t = useText();
  const isLong = text.length > 1_000 || text.split("\n").length > 14;
  const [folded, setFolded] = useState(isLong);
  return (
    <>
      <div className={styles.bubble} data-failed={failed || undefined}>
        <div className={folded ? styles.folded : undefined}>{text}</div>
      </div>
      {isLong && (
        <button
          type="button"
          className={styles.unfold}
          aria-expanded={!folded}
          onClick={() => setFolded(!folded)}
        >
          {folded ? t.chat.showAll : t.chat.showLess}
        </button>
      )}
    </>
  );
}
