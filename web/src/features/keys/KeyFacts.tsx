import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { parameterName } from "../parameters/told";
import styles from "./KeyFacts.module.css";
import type { Key } from "./requests";

/** What is known of a connection: never its key. */
export function KeyFacts({ one, fallback }: { one: Key; fallback: Key | undefined }) {
  const t = useText();
  const format = useFormat();
  const isOwn = one.owner === "user";
  const facts = [
    one.model,
    isOwn ? t.keys[one.provider] : undefined,
    one.base_url || undefined,
    one.masked_key || undefined,
    one.models.length > 1 ? t.keys.openFor(one.models.join(", ")) : undefined,
    one.daily_tokens === null ? undefined : t.keys.dailyTokens(format.number(one.daily_tokens)),
    fallback && t.keys.fallsBackTo(fallback.name),
    ...one.learnt
      .filter(({ use }) => use === null)
      .map((it) => t.keys.learnt(parameterName(it.parameter, t))),
    isOwn && (one.last_used_at ? t.keys.usedAgo(format.ago(one.last_used_at)) : t.keys.neverUsed),
  ].filter((fact) => typeof fact === "string");
  return (
    <ul className={styles.facts}>
      {facts.map((fact) => (
        <li key={fact}>{fact}</li>
      ))}
    </ul>
  );
}
