import { useState } from "react";
import { useText } from "../../i18n";
import { Combobox } from "../../ui/Combobox";
import styles from "./Header.module.css";
import { choiceOf, chosenBy, usedModel, useModelOptions } from "./models";

interface Props {
  keyId: string | null | undefined;
  model: string | null | undefined;
  onChange: (chosen: { key_id: string; model: string }) => void;
  /** Within a dialog: as a field, with its label. */
  field?: boolean;
}

/** Which model answers, of which connection. Servers are asked for their models at the first use. */
export function ModelChooser({ keyId, model, onChange, field = false }: Props) {
  const t = useText();
  const [asked, setAsked] = useState(false);
  const { keys, options } = useModelOptions(asked);
  const used = usedModel(keys ?? [], keyId, model);
  if (used === undefined) return null;
  const value = choiceOf(used.key.id, used.model);
  const known = options.some((option) => option.value === value);
  const own = { value, label: used.model, group: used.key.name };
  return (
    <div
      className={field ? undefined : styles.model}
      onFocusCapture={() => setAsked(true)}
      onPointerEnter={() => setAsked(true)}
    >
      <Combobox
        label={t.chat.model}
        hideLabel={!field}
        quiet={!field}
        value={value}
        options={known ? options : [own, ...options]}
        onChange={(chosen) => onChange(chosenBy(chosen))}
        onFree={(text) => onChange({ key_id: used.key.id, model: text })}
        placeholder={t.chat.chooseModel}
      />
    </div>
  );
}
