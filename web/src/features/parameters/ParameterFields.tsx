import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { Select, TextArea, TextField } from "../../ui/Field";
import styles from "./ParameterFields.module.css";
import { efforts } from "./parse";

/** The fields that `parametersOf` reads. What is left empty is said by `empty`. */
export function ParameterFields({
  values,
  empty,
}: {
  values: Schema<"GenerationParameters">;
  empty: string;
}) {
  const t = useText();
  const number = (value: number | null | undefined) => (value == null ? "" : String(value));
  return (
    <div className={styles.fields}>
      <p className={styles.empty}>{empty}</p>
      <div className={styles.row}>
        <TextField
          label={t.keys.temperature}
          name="parameters.temperature"
          inputMode="decimal"
          autoComplete="off"
          defaultValue={number(values.temperature)}
          hint={t.keys.temperatureHint}
        />
        <TextField
          label={t.keys.topP}
          name="parameters.top_p"
          inputMode="decimal"
          autoComplete="off"
          defaultValue={number(values.top_p)}
          hint={t.keys.topPHint}
        />
        <TextField
          label={t.keys.maxTokens}
          name="parameters.max_tokens"
          inputMode="numeric"
          autoComplete="off"
          defaultValue={number(values.max_tokens)}
          hint={t.keys.maxTokensHint}
        />
        <Select
          label={t.keys.effort}
          name="parameters.reasoning_effort"
          defaultValue={values.reasoning_effort ?? ""}
          hint={t.keys.effortHint}
        >
          <option value="">{t.keys.effortUnsaid}</option>
          {efforts.map((effort) => (
            <option key={effort} value={effort}>
              {t.keys.efforts[effort]}
            </option>
          ))}
        </Select>
      </div>
      <TextArea
        label={t.keys.stop}
        name="parameters.stop"
        rows={2}
        defaultValue={(values.stop ?? []).join("\n")}
        hint={t.keys.stopHint}
      />
    </div>
  );
}
