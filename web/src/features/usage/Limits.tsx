import { useQuery } from "@tanstack/react-query";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { LoadError } from "../../ui/LoadError";
import { Badge, Row, Rows, Section } from "../../ui/Section";
import { ends } from "./notice";
import { type Limit, limitsQuery } from "./requests";
import styles from "./Usage.module.css";
import { useMoney } from "./useMoney";

/** What is left, and until when; nothing where nothing is limited. */
export function Limits() {
  const t = useText();
  const query = useQuery(limitsQuery);
  const { data: limits, error } = query;
  if (!error && !limits?.length) return null;
  return (
    <Section title={t.usage.left} hint={t.usage.leftHint}>
      <LoadError of={[query]} />
      <Rows label={t.usage.left}>
        {limits?.map((limit) => (
          <OneLimit key={`${limit.period} ${limit.key_id}`} limit={limit} />
        ))}
      </Rows>
    </Section>
  );
}

function OneLimit({ limit }: { limit: Limit }) {
  const t = useText();
  const { moment, number } = useFormat();
  const money = useMoney();
  const { tokens, cost } = limit;
  const of = limit.key_name ?? t.usage.counted[limit.connections === "all" ? "all" : "operator"];
  const states = [tokens?.state, cost?.state];
  const soft = ends(limit) ? "soft" : "much";
  const state = states.includes("used_up") ? "used_up" : states.includes("soft") ? soft : "ok";
  return (
    <Row
      title={
        <>
          {`${t.usage.periods[limit.period]} · ${of}`}
          {state !== "ok" && <Badge tone="warning">{t.usage.states[state]}</Badge>}
        </>
      }
      note={
        <>
          {tokens && (
            <Measure
              used={tokens.used}
              allowed={tokens.allowed ?? tokens.soft}
              text={
                tokens.left === null
                  ? t.usage.tokensUsed(number(tokens.used))
                  : t.usage.tokensLeft(number(tokens.left), number(tokens.allowed ?? 0))
              }
            />
          )}
          {cost && (
            <Measure
              used={Number(cost.used)}
              allowed={Number(cost.allowed ?? cost.soft)}
              text={
                cost.left === null
                  ? t.usage.costUsed(money.one(cost.used, cost.currency))
                  : t.usage.costLeft(
                      money.one(cost.left, cost.currency),
                      money.one(cost.allowed ?? 0, cost.currency),
                    )
              }
            />
          )}
          {t.usage.resets(moment(limit.resets_at))}
        </>
      }
    />
  );
}

/** How much of something is used, as a bar and in words. */
function Measure({ used, allowed, text }: { used: number; allowed: number | null; text: string }) {
  return (
    <div className={styles.measure}>
      <meter
        aria-label={text}
        min={0}
        max={allowed ?? used}
        high={(allowed ?? used) * 0.999}
        optimum={0}
        value={used}
      />
      <span aria-hidden="true">{text}</span>
    </div>
  );
}
