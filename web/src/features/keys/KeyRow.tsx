import { Cpu, Zap } from "lucide-react";
import { useState } from "react";
import { failureText } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { queries } from "../../queries";
import { Button } from "../../ui/Button";
import { CardMenu, CardName } from "../../ui/Cards";
import { deleteLater } from "../../ui/deletions";
import { FormError } from "../../ui/Form";
import { MenuItem } from "../../ui/Menu";
import { tell } from "../../ui/tell";
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
      (error) => tell(error, t),
    );
  }

  return (
    <li className={styles.row}>
      <div className={styles.head}>
        <CardName name={one.name} mark={one.is_default && t.keys.isDefault} />
        <Button small icon={Zap} pending={test.isPending} onClick={() => test.mutate()}>
          {t.keys.test}
        </Button>
        <CardMenu
          label={t.keys.actionsOf(one.name)}
          isOwn={isOwn}
          isDefault={one.is_default}
          makeDefault={t.keys.makeDefault}
          onEdit={onEdit}
          onDefault={() => makeDefault.mutate(one.id)}
          onRemove={remove}
        >
          <MenuItem icon={Cpu} onSelect={() => setShowsModels(true)}>
            {t.keys.models}
          </MenuItem>
        </CardMenu>
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
