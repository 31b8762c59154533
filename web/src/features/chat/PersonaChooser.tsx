import { useQuery } from "@tanstack/react-query";
import { useText } from "../../i18n";
import { useSettings } from "../../session";
import { Combobox } from "../../ui/Combobox";
import { personasQuery, standardOf } from "./queries";

// No persona's name: they hold no such characters.
const STANDARD = "*";
const NONE = "-";

interface Props {
  /** Null: none; undefined: as the settings say, which a new conversation may be. */
  persona: string | null | undefined;
  onChange: (persona: string | null | undefined) => void;
  /** Whether it may be left to the settings. */
  standard: boolean;
  field?: boolean;
}

/** Who answers. Nothing is shown where there is no persona. */
export function PersonaChooser({ persona, onChange, standard, field = false }: Props) {
  const t = useText();
  const { data: personas } = useQuery(personasQuery);
  const { data: settings } = useSettings();
  if (!personas?.length && !persona) return null;
  const options = [
    ...(standard
      ? [
          {
            value: STANDARD,
            label: t.chat.standardPersona,
            hint: standardOf(personas, settings)?.title,
          },
        ]
      : []),
    { value: NONE, label: t.chat.noPersona },
    ...(personas ?? []).map(({ name, title, description }) => ({
      value: name,
      label: title,
      hint: description.slice(0, 120),
    })),
  ];
  const value = persona === undefined ? STANDARD : (persona ?? NONE);
  return (
    <Combobox
      label={t.chat.persona}
      hideLabel={!field}
      quiet={!field}
      value={value}
      options={options}
      onChange={(chosen) =>
        onChange(chosen === STANDARD ? undefined : chosen === NONE ? null : chosen)
      }
    />
  );
}
