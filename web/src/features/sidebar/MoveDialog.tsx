import { useId } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { FormFoot } from "../../ui/FormFoot";
import { useFolders } from "./Folders";
import type { Session } from "./lists";

const LONGEST = 100;

/** Where conversations are to be: in a folder that there is, in a new one, or in none. */
export function MoveDialog({
  sessions,
  onMove,
  onClose,
}: {
  /** Those that are to be moved; none: nobody wants that. */
  sessions: readonly Session[];
  onMove: (folder: string | null) => void;
  onClose: () => void;
}) {
  const t = useText();
  const id = useId();
  const folders = useFolders().data?.items ?? [];
  const [first] = sessions;
  if (first === undefined) return null;
  const isTogether = sessions.every(({ folder }) => folder === first.folder);
  return (
    <Dialog open onClose={onClose} title={t.sidebar.moveTitle}>
      <Form
        onSubmit={(given) => {
          const folder = String(given.get("folder")).trim();
          onMove(folder || null);
        }}
      >
        <TextField
          label={t.sidebar.folder}
          hint={t.sidebar.folderHint}
          name="folder"
          list={id}
          autoComplete="off"
          maxLength={LONGEST}
          defaultValue={(isTogether && first.folder) || ""}
          autoFocus
        />
        <datalist id={id}>
          {folders.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <FormFoot submit={t.sidebar.moveHere} onCancel={onClose}>
          {sessions.some(({ folder }) => folder !== null) && (
            <Button look="quiet" onClick={() => onMove(null)}>
              {t.sidebar.noFolder}
            </Button>
          )}
        </FormFoot>
      </Form>
    </Dialog>
  );
}
