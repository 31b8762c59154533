import { Archive, ArchiveRestore, Folder, Trash2, X } from "lucide-react";
import { useText } from "../../i18n";
import { IconButton } from "../../ui/IconButton";
import styles from "./Sidebar.module.css";
import { useHolding } from "./useHold";

/** How many conversations are chosen, and what can be done to all of them. */
export function ChosenBar({
  count,
  archived,
  onMove,
  onArchive,
  onRemove,
  onEnd,
  hold,
}: {
  count: number;
  /** They are archived ones. */
  archived: boolean;
  onMove: () => void;
  /** Archives them, or brings them back where they are archived. */
  onArchive: () => void;
  onRemove: () => void;
  onEnd: () => void;
  hold: (reason: string, holds: boolean) => void;
}) {
  const t = useText();
  const none = count === 0;
  useHolding(hold, "choosing");
  return (
    <div role="toolbar" aria-label={t.sidebar.chosenChats} className={styles.chosen}>
      <span role="status">{t.sidebar.chosen(count)}</span>
      <IconButton icon={Folder} label={t.sidebar.moveTitle} disabled={none} onClick={onMove} />
      <IconButton
        icon={archived ? ArchiveRestore : Archive}
        label={archived ? t.sidebar.unarchive : t.sidebar.archive}
        disabled={none}
        onClick={onArchive}
      />
      <IconButton icon={Trash2} label={t.sidebar.remove} disabled={none} onClick={onRemove} />
      <IconButton icon={X} label={t.sidebar.endChoosing} onClick={onEnd} />
    </div>
  );
}
