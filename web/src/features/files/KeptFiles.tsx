import { X } from "lucide-react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { IconButton } from "../../ui/IconButton";
import { FileIcon } from "./FileIcon";
import styles from "./Files.module.css";
import type { OnMessage } from "./MessageFiles";
import { Picture } from "./Picture";
import { isPicture } from "./transfer";

/** The files of a question that is edited, each to be taken off it. */
export default function KeptFiles({
  files,
  onRemove,
}: {
  files: readonly OnMessage[];
  onRemove: (id: string) => void;
}) {
  const t = useText();
  const { size: sizeText } = useFormat();
  return (
    <ul className={styles.files} aria-label={t.files.attached}>
      {files.map((file) => (
        <li key={file.id} className={styles.file}>
          {isPicture(file) ? (
            <Picture file={file} className={styles.thumb} />
          ) : (
            <FileIcon kind={file.kind} />
          )}
          <span className={styles.told}>
            <span className={styles.name} title={file.name}>
              {file.name}
            </span>
            <span className={styles.size}>{sizeText(file.size)}</span>
          </span>
          <IconButton
            icon={X}
            size={16}
            label={t.files.remove(file.name)}
            onClick={() => onRemove(file.id)}
          />
        </li>
      ))}
    </ul>
  );
}
