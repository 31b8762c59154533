import { useId } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { useFolders } from "./Folders";
import type { Session } from "./lists";
import styles from "./Sidebar.module.css";

const LONGEST = 100;

/** Where a conversation is to be: in a folder that there is, in a new one, or in none. */
export function MoveDialog({
  session,
  onMove,
  onClose,
}: {
  session: Session | undefined;
  onMove: (session: Session, folder: string | null) => void;
  onClose: () => void;
}) {
  const t = useText();
  const id = useId();
  const folders = useFolders().data?.items ?? [];
  if (session === undefined) return null;
  return (
    <Dialog open onClose={onClose} title={t.sidebar.moveTitle}>
      <Form
        onSubmit={(given) => {
          const folder = String(given.get("folder")).trim();
          onMove(session, folder || null);
        }}
      >
        <TextField
          label={t.sidebar.folder}
          hint={t.sidebar.folderHint}
          name="folder"
          list={id}
          autoComplete="off"
          maxLength={LONGEST}
          defaultValue={session.folder ?? ""}
          autoFocus
        />
        <datalist id={id}>
          {folders.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <div className={styles.answers}>
          {session.folder !== null && (
            <Button look="quiet" onClick={() => onMove(session, null)}>
              {t.sidebar.noFolder}
            </Button>
          )}
          <Button type="submit" look="primary">
            {t.sidebar.moveHere}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
