import { useState } from "react";
import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextArea, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { ParameterFields } from "../parameters/ParameterFields";
import { personaOfForm } from "./given";
import styles from "./PersonaDialog.module.css";
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
    <Dialog
      open
      wide
      title={stored ? t.personas.edit(stored.title) : t.personas.add}
      onClose={onClose}
    >
      <Form error={unreadable ?? save.error} onSubmit={submit}>
        <div className={styles.row}>
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
        </div>
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
        <details className={styles.more}>
          <summary>{t.personas.more}</summary>
          <div className={styles.inner}>
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
          </div>
        </details>
        <div className={styles.actions}>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" type="submit" pending={save.isPending}>
            {t.common.save}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
