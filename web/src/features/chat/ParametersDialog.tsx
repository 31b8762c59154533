import { useState } from "react";
import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Select, TextArea, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { Switch } from "../../ui/Switch";
import styles from "./ParametersDialog.module.css";
import { PersonaChooser } from "./PersonaChooser";

type Parameters = Schema<"GenerationParameters">;

/** How a conversation is answered, as far as it says so itself. */
export interface Manner {
  parameters: Parameters;
  instructions: string | null;
  summary: boolean;
  persona: string | null | undefined;
}

const EFFORTS = ["none", "minimal", "low", "medium", "high"];

interface Props {
  manner: Manner;
  /** Rejects with what the server refused, which is shown at its field. */
  onSave: (manner: Manner) => Promise<unknown>;
  onClose: () => void;
  isNew: boolean;
}

export function ParametersDialog({ manner, onSave, onClose, isNew }: Props) {
  const t = useText();
  const [error, setError] = useState<unknown>();
  const [pending, setPending] = useState(false);
  const [summary, setSummary] = useState(manner.summary);
  const [persona, setPersona] = useState(manner.persona);
  const { parameters, instructions } = manner;

  async function save(data: FormData) {
    setPending(true);
    try {
      const said = String(data.get("instructions") ?? "");
      const instructed = said.trim() === "" ? null : said;
      await onSave({
        parameters: readParameters(data),
        instructions: instructed,
        summary,
        persona,
      });
      onClose();
    } catch (refused) {
      setError(refused);
      setPending(false);
    }
  }

  return (
    <Dialog open title={t.chat.parameters} onClose={onClose}>
      <Form onSubmit={save} error={error}>
        <p className={styles.hint}>{t.chat.parametersHint}</p>
        <PersonaChooser field persona={persona} onChange={setPersona} standard={isNew} />
        <TextArea
          label={t.chat.ownInstructions}
          name="instructions"
          rows={3}
          maxLength={20_000}
          defaultValue={instructions ?? ""}
        />
        <div className={styles.pair}>
          <TextField
            label={t.chat.temperature}
            name="parameters.temperature"
            inputMode="decimal"
            defaultValue={parameters.temperature ?? ""}
          />
          <TextField
            label={t.chat.topP}
            name="parameters.top_p"
            inputMode="decimal"
            defaultValue={parameters.top_p ?? ""}
          />
          <TextField
            label={t.chat.maxTokens}
            name="parameters.max_tokens"
            inputMode="numeric"
            defaultValue={parameters.max_tokens ?? ""}
          />
          <Select
            label={t.chat.effort}
            name="parameters.reasoning_effort"
            defaultValue={parameters.reasoning_effort ?? ""}
          >
            <option value="">{t.chat.effortDefault}</option>
            {EFFORTS.map((effort) => (
              <option key={effort} value={effort}>
                {t.chat.efforts[effort]}
              </option>
            ))}
          </Select>
        </div>
        <TextArea
          label={t.chat.stopTexts}
          hint={t.chat.stopHint}
          name="parameters.stop"
          rows={2}
          defaultValue={parameters.stop?.join("\n") ?? ""}
        />
        <Switch
          label={t.chat.summary}
          hint={t.chat.summaryHint}
          checked={summary}
          onChange={setSummary}
        />
        <div className={styles.actions}>
          <Button look="quiet" onClick={onClose}>
            {t.common.cancel}
          </Button>
          <Button look="primary" type="submit" pending={pending}>
            {t.common.save}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

/** What is typed; what is no number goes to the server as it is, which says what is wrong with it. */
function readParameters(data: FormData): Parameters {
  const text = (name: string) => String(data.get(`parameters.${name}`) ?? "").trim();
  const number = (name: string) => {
    const typed = text(name).replace(",", ".");
    if (typed === "") return null;
    return Number.isNaN(Number(typed)) ? (typed as unknown as number) : Number(typed);
  };
  const stop = text("stop").split("\n").filter(Boolean);
  return {
    temperature: number("temperature"),
    top_p: number("top_p"),
    max_tokens: number("max_tokens"),
    stop: stop.length > 0 ? stop : null,
    reasoning_effort: text("reasoning_effort") || null,
  } as Parameters;
}
