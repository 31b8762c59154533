import { useText } from "../../i18n";
import { LoadError } from "../../ui/LoadError";
import { Spinner } from "../../ui/Spinner";
import { NoteEditor } from "./NoteEditor";
import styles from "./OpenNote.module.css";
import { useNote } from "./requests";

/** The note of an address, once it is there. */
export function OpenNote({ id }: { id: string }) {
  const t = useText();
  const query = useNote(id);
  const { data, error } = query;
  if (data) return <NoteEditor note={data} />;
  return (
    <div className={styles.place}>
      {error ? <LoadError of={[query]} /> : <Spinner label={t.common.loading} />}
    </div>
  );
}
