import { useState } from "react";
import { useText } from "../../i18n";
import { isLonger } from "./lines";
import styles from "./Message.module.css";

const narrow = matchMedia("(max-width: 40rem)");

/** The question as it was typed; a long one shows its beginning, so that its answer is in sight. */
export function Bubble({ text, failed = false }: { text: string; failed?: boolean }) {
  const t = useText();
  const isLong = narrow.matches ? isLonger(text, 8, 32) : isLonger(text, 14, 70);
  const [folded, setFolded] = useState(isLong);
  return (
    <div className={styles.bubble} data-failed={failed || undefined}>
      <div className={folded ? styles.folded : undefined}>{text}</div>
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
    </div>
  );
}
