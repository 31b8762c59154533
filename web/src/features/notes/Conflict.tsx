import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import styles from "./Conflict.module.css";
import type { Note } from "./saver";

/** Says that the note was changed elsewhere too, shows both, and has one of them chosen. */
export function Conflict({
  mine,
  theirs,
  onSettle,
}: {
  mine: Note;
  theirs: Note;
  onSettle: (whose: "mine" | "theirs") => void;
}) {
  const t = useText();
  const sides = [
    { whose: "mine", note: mine, title: t.notes.mine, act: t.notes.keepMine },
    { whose: "theirs", note: theirs, title: t.notes.theirs, act: t.notes.takeTheirs },
  ] as const;
  return (
    <section role="alert" className={styles.conflict}>
      <p>{t.notes.conflict}</p>
      <div className={styles.sides}>
        {sides.map(({ whose, note, title, act }) => (
          <div key={whose} className={styles.side}>
            <h2>{title}</h2>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
            <pre tabIndex={0}>
              {[note.title, note.tags.map((tag) => `#${tag}`).join(" "), note.content]
                .filter(Boolean)
                .join("\n\n")}
            </pre>
            <Button small onClick={() => onSettle(whose)}>
              {act}
            </Button>
          </div>
        ))}
      </div>
    </section>
  );
}
