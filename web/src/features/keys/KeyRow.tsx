import { Cpu, MoreHorizontal, Pencil, Star, Trash2, Zap } from "lucide-react";
import { useState } from "react";
import { errorText, failureText } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { queries } from "../../queries";
import { Button } from "../../ui/Button";
import { deleteLater } from "../../ui/deletions";
import { FormError } from "../../ui/Form";
import { IconButton } from "../../ui/IconButton";
import { Menu, MenuItem, MenuSeparator } from "../../ui/Menu";
import { toast } from "../../ui/toast";
import { KeyFacts } from "./KeyFacts";
import styles from "./KeyRow.module.css";
import { ModelsDialog } from "./ModelsDialog";
import { deleteKey, type Key, useMakeDefault, useSaveKey, useTestKey } from "./requests";
import { TestResult } from "./TestResult";

/** One connection in the list. */
export function KeyRow({
  one,
  fallback,
  onEdit,
}: {
  one: Key;
  fallback: Key | undefined;
  onEdit: () => void;
}) {
  const t = useText();
  const format = useFormat();
  const test = useTestKey(one.id);
  const save = useSaveKey(one.id);
  const makeDefault = useMakeDefault();
  const [showsModels, setShowsModels] = useState(false);
  const isOwn = one.owner === "user";

  function remove() {
    deleteLater(
      one.id,
      { deleted: t.keys.deleted(one.name), undo: t.common.undo },
      async (closing) => {
        await deleteKey(one.id, closing);
        await queries.invalidateQueries({ queryKey: ["keys"] });
      },
      (error) => toast.show({ text: errorText(error, t), tone: "danger" }),
    );
  }

  return (
    <li className={styles.row}>
      <div className={styles.head}>
        <div className={styles.names}>
          <h3>{one.name}</h3>
          {one.is_default && <span className={styles.badge}>{t.keys.isDefault}</span>}
        </div>
        <Button small icon={Zap} pending={test.isPending} onClick={() => test.mutate()}>
          {t.keys.test}
        </Button>
        <Menu
          label={t.keys.actionsOf(one.name)}
          trigger={(props) => (
            <IconButton icon={MoreHorizontal} label={t.keys.actionsOf(one.name)} {...props} />
          )}
        >
          {isOwn && (
            <MenuItem icon={Pencil} onSelect={onEdit}>
              {t.common.edit}
            </MenuItem>
          )}
          <MenuItem icon={Cpu} onSelect={() => setShowsModels(true)}>
            {t.keys.models}
          </MenuItem>
          <MenuItem
            icon={Star}
            disabled={one.is_default}
            onSelect={() => makeDefault.mutate(one.id)}
          >
            {t.keys.makeDefault}
          </MenuItem>
          {isOwn && <MenuSeparator />}
          {isOwn && (
            <MenuItem icon={Trash2} danger onSelect={remove}>
              {t.common.remove}
            </MenuItem>
          )}
        </Menu>
      </div>
      <KeyFacts one={one} fallback={fallback} />
      {one.last_error && !test.data && (
        <p className={styles.failed}>
          {t.keys.lastFailed(format.ago(one.last_error.at), failureText(one.last_error.reason, t))}
        </p>
      )}
      <TestResult
        pending={test.isPending}
        result={test.data}
        onUse={isOwn && !test.data?.suggestion?.base_url ? (fix) => save.mutate(fix) : undefined}
        onEdit={isOwn ? onEdit : undefined}
      />
      <FormError error={test.error ?? save.error ?? makeDefault.error} />
      {showsModels && (
        <ModelsDialog
          one={one}
          onUse={isOwn ? (model) => save.mutate({ model }) : undefined}
          onClose={() => setShowsModels(false)}
        />
      )}
    </li>
  );
}
