import { useState } from "react";
import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { TextArea, TextField } from "../../ui/Field";
import { Beside, FormDialog, MoreFields } from "../../ui/FormDialog";
import { ParameterFields } from "../parameters/ParameterFields";
import { personaOfForm } from "./given";
import { type Persona, useSavePersona } from "./requests";

/** The form of a persona of one's own: a new one, or the `stored` one. */
export function PersonaDialog({
  stored,
  onClose,
}: {
  stored: Persona | undefined;
  onClose: () => void;
}) {
  const t = useText();
  const save = useSavePersona(stored?.name);
  const [unreadable, setUnreadable] = useState<unknown>();

  function submit(given: FormData) {
    let persona: Schema<"NewPersona">;
    try {
      persona = personaOfForm(given);
    } catch (refused) {
      setUnreadable(refused);
      return;
    }
    setUnreadable(undefined);
    save.mutate(persona, { onSuccess: onClose });
  }

  return (
    <FormDialog
      title={stored ? t.personas.edit(stored.title) : t.personas.add}
      error={unreadable ?? save.error}
      onSubmit={submit}
      onClose={onClose}
      pending={save.isPending}
    >
      <Beside>
        <TextField
          label={t.personas.title}
          name="title"
          autoComplete="off"
          autoFocus={stored === undefined}
          defaultValue={stored?.title}
        />
        <TextField
          label={t.personas.name}
          name="name"
          hint={t.personas.nameHint}
          autoComplete="off"
          autoCapitalize="none"
          defaultValue={stored?.name}
        />
      </Beside>
      <TextField
        label={t.personas.description}
        name="description"
        autoComplete="off"
        defaultValue={stored?.description}
      />
      <TextArea
        label={t.personas.prompt}
        name="prompt"
        rows={8}
        hint={t.personas.promptHint}
        defaultValue={stored?.prompt}
      />
      <TextArea
        label={t.personas.starters}
        name="starters"
        rows={3}
        hint={t.personas.startersHint}
        defaultValue={stored?.starters.join("\n")}
      />
      <MoreFields title={t.personas.more}>
        <TextField
          label={t.keys.model}
          name="model"
          hint={t.personas.modelHint}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          defaultValue={stored?.model ?? ""}
        />
        <ParameterFields
          values={stored?.parameters ?? {}}
          empty={t.personas.emptyMeansConnection}
        />
      </MoreFields>
    </FormDialog>
  );
}
