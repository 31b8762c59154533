import { ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import { useText } from "../../i18n";
import { Markdown } from "../../markdown/markdown";
import { classes } from "../../ui/classes";
import { readStored, writeStored } from "../../ui/storage";
import styles from "./Thinking.module.css";

interface Props {
  text: string;
  /** It is being thought just now. */
  live: boolean;
  /** How long it took, where that was seen. */
  seconds: number | undefined;
}

/** What the model thought before it answered: folded, unless the reader keeps it open. */
export function Thinking({ text, live, seconds }: Props) {
  const t = useText();
  const id = useId();
  const [open, setOpen] = useState(() => readStored("thinking") === "open");
  const toggle = () => {
    writeStored("thinking", open ? null : "open");
    setOpen(!open);
  };
  const done = seconds === undefined ? t.chat.thought : t.chat.thoughtFor(seconds);
  return (
    <div className={styles.thinking}>
      <button
        type="button"
        className={classes(styles.toggle, live && styles.live)}
        aria-expanded={open}
        aria-controls={id}
        onClick={toggle}
      >
        <ChevronRight aria-hidden size={16} className={styles.chevron} />
        {live ? t.chat.thinking : done}
      </button>
      <div id={id} hidden={!open} className={styles.text}>
        {open && <Markdown text={text} open={live} />}
      </div>
    </div>
  );
}
