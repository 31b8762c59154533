import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { useSaveSettings } from "../../session";
import { Button } from "../../ui/Button";
import { Combobox } from "../../ui/Combobox";
import { Select, TextArea } from "../../ui/Field";
import { Form, FormError } from "../../ui/Form";
import { LoadError } from "../../ui/LoadError";
import { Section } from "../../ui/Section";
import { Switch } from "../../ui/Switch";
import { toast } from "../../ui/toast";
import { wishedOf } from "../chat/queries";
import { usePersonas } from "../personas/requests";

const DAYS = [1, 7, 30, 90, 365];

/** What holds for all conversations: what models are told, by whom, and how long it stays. */
export function Conversations({ settings }: { settings: Schema<"UserSettings"> }) {
  const t = useText();
  const save = useSaveSettings();
  const personas = usePersonas();
  const wished = personas.data
    ? wishedOf(personas.data, settings.default_persona)?.name
    : settings.default_persona;
  const days = settings.retention_days;
  const offered =
    days === null || DAYS.includes(days) ? DAYS : [...DAYS, days].sort((a, b) => a - b);
  return (
    <Section title={t.account.conversations}>
      <Instructions instructions={settings.instructions} />
      <Combobox
        label={t.account.defaultPersona}
        value={wished ?? ""}
        options={[
          { value: "", label: t.account.operatorsPersona },
          ...(personas.data ?? []).map(({ name, title, description }) => ({
            value: name,
            label: title || name,
            hint: description,
          })),
        ]}
        onChange={(name) => save.mutate({ default_persona: name || null })}
      />
      <Switch
        label={t.account.titlesByModel}
        hint={t.account.titlesByModelHint}
        checked={settings.titles_by_model}
        onChange={(titles_by_model) => save.mutate({ titles_by_model })}
      />
      <Select
        label={t.account.retention}
        hint={t.account.retentionHint}
        value={days ?? ""}
        onChange={(event) =>
          save.mutate({ retention_days: event.target.value ? Number(event.target.value) : null })
        }
      >
        <option value="">{t.account.retentionForever}</option>
        {offered.map((one) => (
          <option key={one} value={one}>
            {t.account.days(one)}
          </option>
        ))}
      </Select>
      <FormError error={save.error} />
      <LoadError of={[personas]} />
    </Section>
  );
}

function Instructions({ instructions }: { instructions: string }) {
  const t = useText();
  const save = useSaveSettings();
  return (
    <Form
      error={save.error}
      onSubmit={(given) =>
        save.mutate(
          { instructions: String(given.get("instructions")) },
          { onSuccess: () => toast.show({ text: t.common.saved }) },
        )
      }
    >
      <TextArea
        label={t.account.instructions}
        hint={t.account.instructionsHint}
        name="instructions"
        rows={4}
        defaultValue={instructions}
      />
      <div>
        <Button type="submit" pending={save.isPending}>
          {t.common.save}
        </Button>
      </div>
    </Form>
  );
}
