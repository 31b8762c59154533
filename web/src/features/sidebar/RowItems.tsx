import {
  Archive,
  ArchiveRestore,
  Download,
  Folder,
  ListChecks,
  PencilLine,
  Pin,
  PinOff,
  Trash2,
  Undo2,
} from "lucide-react";
import { useText } from "../../i18n";
import { MenuItem, MenuSeparator } from "../../ui/Menu";
import type { Session } from "./lists";
import type { RowActions } from "./rowActions";
import { useHolding } from "./useHold";

/** What can be done to a conversation, by the menu of its row. */
export function Items({
  session,
  actions,
  onRename,
}: {
  session: Session;
  actions: RowActions;
  onRename: () => void;
}) {
  const t = useText().sidebar;
  const archived = session.archived_at !== null;
  useHolding(actions.hold, "menu");
  return (
    <>
      <MenuItem icon={PencilLine} hint="F2" onSelect={onRename}>
        {t.rename}
      </MenuItem>
      {!archived && (
        <MenuItem
          icon={session.pinned ? PinOff : Pin}
          onSelect={() => actions.pin(session, !session.pinned)}
        >
          {session.pinned ? t.unpin : t.pin}
        </MenuItem>
      )}
      <MenuItem icon={Folder} onSelect={() => actions.move(session)}>
        {t.move}
      </MenuItem>
      <MenuItem icon={Download} onSelect={() => actions.exportIt(session)}>
        {t.export}
      </MenuItem>
      <MenuItem icon={ListChecks} onSelect={() => actions.choose(session)}>
        {t.choose}
      </MenuItem>
      {archived ? (
        <MenuItem icon={ArchiveRestore} onSelect={() => actions.unarchive(session)}>
          {t.unarchive}
        </MenuItem>
      ) : (
        <MenuItem icon={Archive} onSelect={() => actions.archive(session)}>
          {t.archive}
        </MenuItem>
      )}
      <MenuSeparator />
      <MenuItem icon={Trash2} danger onSelect={() => actions.remove(session)}>
        {t.remove}
      </MenuItem>
    </>
  );
}

/** What can be done to one that is deleted. */
export function DeletedItems({ session, actions }: { session: Session; actions: RowActions }) {
  const t = useText().sidebar;
  useHolding(actions.hold, "menu");
  return (
    <>
      <MenuItem icon={Undo2} onSelect={() => actions.restore(session)}>
        {t.restore}
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={Trash2} danger onSelect={() => actions.removeForGood(session)}>
        {t.removeForGood}
      </MenuItem>
    </>
  );
}
