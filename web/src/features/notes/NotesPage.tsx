import { useText } from "../../i18n";
import { classes } from "../../ui/classes";
import { NoteList } from "./NoteList";
import styles from "./NotesPage.module.css";
import { OpenNote } from "./OpenNote";

/** Notes: their list, and the one that is open beside it, or over it on a phone. */
export default function NotesPage({ id }: { id: string | undefined }) {
  const t = useText();
  return (
    <div className={classes(styles.page, id !== undefined && styles.open)}>
      <NoteList openId={id} />
      <section className={styles.note} aria-label={t.notes.note}>
        {id === undefined ? (
          <p className={styles.none}>{t.notes.choose}</p>
        ) : (
          <OpenNote key={id} id={id} />
        )}
      </section>
    </div>
  );
}
