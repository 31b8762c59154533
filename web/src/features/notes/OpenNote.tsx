import { useText } from "../../i18n";
import { FormError } from "../../ui/Form";
import { Spinner } from "../../ui/Spinner";
import { NoteEditor } from "./NoteEditor";
import styles from "./OpenNote.module.css";
import { useNote } from "./requests";

/** The note of an address, once it is there. */
export function OpenNote({ id }: { id: string }) {
  const t = useText();
  const { data, error } = useNote(id);
  if (data) return <NoteEditor note={data} />;
  return (
    <div className={styles.place}>
      {error ? <FormError error={error} /> : <Spinner label={t.common.loading} />}
    </div>
  );
}
