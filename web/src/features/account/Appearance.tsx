import type { Schema } from "../../api";
import { LANGUAGES, type Language, useText } from "../../i18n";
import { useSaveSettings } from "../../session";
import { Select } from "../../ui/Field";
import { FormError } from "../../ui/Form";
import { Section } from "../../ui/Section";
import { Switch } from "../../ui/Switch";
import { NotificationSwitch } from "../notifications/NotificationSwitch";

/** How the pages look and behave, on each device of the user's. */
export function Appearance({ settings }: { settings: Schema<"UserSettings"> }) {
  const t = useText();
  const save = useSaveSettings();
  return (
    <Section title={t.account.shownAs}>
      <Select
        label={t.common.language}
        value={settings.language ?? ""}
        onChange={(event) => save.mutate({ language: event.target.value || null })}
      >
        <option value="">{t.account.byBrowser}</option>
        {(Object.keys(LANGUAGES) as Language[]).map((one) => (
          <option key={one} value={one} lang={LANGUAGES[one].tag}>
            {LANGUAGES[one].name}
          </option>
        ))}
      </Select>
      <Select
        label={t.common.theme.label}
        value={settings.theme}
        onChange={(event) =>
          save.mutate({ theme: event.target.value as Schema<"UserSettings">["theme"] })
        }
      >
        <option value="system">{t.common.theme.system}</option>
        <option value="light">{t.common.theme.light}</option>
        <option value="dark">{t.common.theme.dark}</option>
      </Select>
      <Switch
        label={t.account.enterSends}
        hint={t.account.enterSendsHint}
        checked={settings.enter_sends}
        onChange={(enter_sends) => save.mutate({ enter_sends })}
      />
      <NotificationSwitch />
      <FormError error={save.error} />
    </Section>
  );
}
