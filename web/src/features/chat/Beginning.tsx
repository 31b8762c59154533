import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { useSettings } from "../../session";
import { ButtonLink } from "../../ui/Button";
import styles from "./Beginning.module.css";
import type { Choices } from "./choices";
import { PersonaChooser } from "./PersonaChooser";
import { keysQuery, personasQuery, standardOf } from "./queries";

/** What stands where a new conversation is about to: who answers, and questions to begin with. */
export function Beginning({
  choices,
  onChange,
  onStarter,
}: {
  choices: Choices;
  onChange: (change: Choices) => void;
  onStarter: (question: string) => void;
}) {
  const t = useText();
  const { data: keys } = useQuery(keysQuery);
  const { data: personas } = useQuery(personasQuery);
  const { data: settings } = useSettings();
  const persona =
    choices.persona === undefined
      ? standardOf(personas, settings)
      : personas?.find(({ name }) => choices.persona === name);
  if (keys?.length === 0) {
    return (
      <div className={styles.beginning}>
        <p className={styles.greeting}>{t.chat.noKey}</p>
        <ButtonLink href={routes.keys} icon={KeyRound}>
          {t.chat.addKey}
        </ButtonLink>
      </div>
    );
  }
  return (
    <div className={styles.beginning}>
      <p className={styles.greeting}>{t.chat.greeting}</p>
      <PersonaChooser
        standard
        persona={choices.persona}
        onChange={(chosen) => onChange({ persona: chosen } as Choices)}
      />
      {persona && persona.starters.length > 0 && (
        <ul className={styles.starters}>
          {persona.starters.map((question) => (
            <li key={question}>
              <button type="button" className={styles.starter} onClick={() => onStarter(question)}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
      {choices.temporary && <p className={styles.hint}>{t.chat.temporaryHint}</p>}
    </div>
  );
}
