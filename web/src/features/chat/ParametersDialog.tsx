import { useState } from "react";
import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { TextArea } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { Switch } from "../../ui/Switch";
import { ParameterFields } from "../parameters/ParameterFields";
import { parametersOf } from "../parameters/parse";
import { useKeepsAnswers } from "../usage/requests";
import { rememberKept, takesKept } from "./kept";
import { PersonaChooser } from "./PersonaChooser";

type Parameters = Schema<"GenerationParameters">;

/** How a conversation is answered, as far as it says so itself. */
export interface Manner {
  parameters: Parameters;
  instructions: string | null;
  summary: boolean;
  persona: string | null | undefined;
}

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
  const [kept, setKept] = useState(takesKept);
  const keepsAnswers = useKeepsAnswers();
  const { parameters, instructions } = manner;

  async function save(data: FormData) {
    setPending(true);
    try {
      const said = String(data.get("instructions") ?? "");
      const instructed = said.trim() === "" ? null : said;
      await onSave({
        parameters: parametersOf(data),
        instructions: instructed,
        summary,
        persona,
      });
      rememberKept(kept);
      onClose();
    } catch (refused) {
      setError(refused);
      setPending(false);
    }
  }

  return (
    <FormDialog
      title={t.chat.parameters}
      wide={false}
      error={error}
      onSubmit={save}
      onClose={onClose}
      pending={pending}
    >
      <PersonaChooser field persona={persona} onChange={setPersona} standard={isNew} />
      <TextArea
        label={t.chat.ownInstructions}
        name="instructions"
        rows={3}
        maxLength={20_000}
        defaultValue={instructions ?? ""}
      />
      <ParameterFields values={parameters} empty={t.chat.parametersHint} />
      <Switch
        label={t.chat.summary}
        hint={t.chat.summaryHint}
        checked={summary}
        onChange={setSummary}
      />
      {keepsAnswers && (
        <Switch
          label={t.chat.takeKept}
          hint={t.chat.takeKeptHint}
          checked={kept}
          onChange={setKept}
        />
      )}
    </FormDialog>
  );
}
