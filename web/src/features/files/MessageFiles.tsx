import { useState } from "react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { tell } from "../../ui/tell";
import { FileIcon } from "./FileIcon";
import styles from "./Files.module.css";
import { Picture } from "./Picture";
import { PictureDialog } from "./PictureDialog";
import { type Attached, download, isPicture } from "./transfer";

/** A file on a message; `deleted`: only what it was called is left. */
export type OnMessage = Attached & { deleted?: boolean };

/** What is attached to a question: pictures are shown, and opened by a press; all else is downloaded by one. */
export default function MessageFiles({ files }: { files: readonly OnMessage[] }) {
  const t = useText();
  const [open, setOpen] = useState<Attached>();
  return (
    <ul className={styles.onMessage} aria-label={t.files.attached}>
      {files.map((file) => (
        <li key={file.id}>
          {file.deleted ? (
            <span className={styles.file} data-deleted>
              <FileIcon kind={file.kind} />
              <Told file={file} more={t.files.deleted} />
            </span>
          ) : isPicture(file) ? (
            <button
              type="button"
              className={styles.open}
              aria-label={t.files.open(file.name)}
              title={file.name}
              onClick={() => setOpen(file)}
            >
              <Picture file={file} />
            </button>
          ) : (
            <FileButton file={file} />
          )}
        </li>
      ))}
      {open && <PictureDialog file={open} onClose={() => setOpen(undefined)} />}
    </ul>
  );
}

function FileButton({ file }: { file: OnMessage }) {
  const t = useText();
  const { size: sizeText } = useFormat();
  const press = () => download(file).catch((error: unknown) => tell(error, t));
  return (
    <button
      type="button"
      className={styles.file}
      aria-label={t.files.download(file.name)}
      onClick={press}
    >
      <FileIcon kind={file.kind} />
      <Told file={file} more={sizeText(file.size)} />
    </button>
  );
}

function Told({ file, more }: { file: OnMessage; more: string }) {
  return (
    <span className={styles.told}>
      <span className={styles.name} title={file.name}>
        {file.name}
      </span>
      <span className={styles.size}>{more}</span>
    </span>
  );
}
