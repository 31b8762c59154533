import { useState } from "react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { LoadError } from "../../ui/LoadError";
import { Spinner } from "../../ui/Spinner";
import styles from "./ModelsDialog.module.css";
import { type Key, useModels } from "./requests";

// A search narrows long lists; a few lines are read faster than they are searched.
const FILTERED_FROM = 12;

/** The models of a connection's server; `onUse` makes one the connection's own. */
export function ModelsDialog({
  one,
  onUse,
  onClose,
}: {
  one: Key;
  onUse?: ((model: string) => void) | undefined;
  onClose: () => void;
}) {
  const t = useText();
  const format = useFormat();
  const query = useModels(one.id, true);
  const { data, isPending } = query;
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const models = data?.filter((model) => model.id.toLowerCase().includes(wanted)) ?? [];
  return (
    <Dialog open title={t.keys.modelsOf(one.name)} onClose={onClose}>
      {isPending && <Spinner />}
      <LoadError of={[query]} />
      {data?.length === 0 && <p>{t.keys.noModels}</p>}
      {data && data.length >= FILTERED_FROM && (
        <TextField
          label={t.keys.filterModels}
          type="search"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      <ul className={styles.list}>
        {models.map((model) => (
          <li key={model.id}>
            <div className={styles.model}>
              <span>{model.id}</span>
              <span className={styles.facts}>
                {[
                  model.context_tokens && t.keys.modelFacts(format.number(model.context_tokens)),
                  model.vision && t.keys.modelVision,
                  model.reasoning && t.keys.modelThinks,
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </div>
            {model.id === one.model ? (
              <span className={styles.facts}>{t.keys.inUse}</span>
            ) : (
              onUse && (
                <Button
                  small
                  aria-label={`${t.keys.useModel} ${model.id}`}
                  onClick={() => {
                    onUse(model.id);
                    onClose();
                  }}
                >
                  {t.keys.useModel}
                </Button>
              )
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
