import { Download } from "lucide-react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { tell } from "../../ui/tell";
import styles from "./Files.module.css";
import { Picture } from "./Picture";
import { type Attached, download } from "./transfer";

/** A picture as large as the page allows, to be kept. */
export function PictureDialog({ file, onClose }: { file: Attached; onClose: () => void }) {
  const t = useText();
  const press = () => download(file).catch((error: unknown) => tell(error, t));
  return (
    <Dialog
      open
      wide
      title={file.name}
      onClose={onClose}
      actions={
        <Button icon={Download} onClick={press}>
          {t.files.save}
        </Button>
      }
    >
      <Picture file={file} className={styles.large} />
    </Dialog>
  );
}
