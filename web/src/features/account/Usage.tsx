import { Link } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { Section } from "../../ui/Section";

/** The way to what was used. */
export function Usage() {
  const t = useText();
  return (
    <Section title={t.usage.usage} hint={t.usage.hint}>
      <p>
        <Link href={routes.usage}>{t.usage.showUsage}</Link>
      </p>
    </Section>
  );
}
