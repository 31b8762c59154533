import { useState } from "react";
import { Link } from "wouter";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { Select } from "../../ui/Field";
import { LoadError } from "../../ui/LoadError";
import { Page } from "../../ui/Page";
import { Section } from "../../ui/Section";
import { Spinner } from "../../ui/Spinner";
import { DayChart } from "./DayChart";
import { daysBetween, daysOf, type Range } from "./days";
import { Limits } from "./Limits";
import { type Sums, useUsage } from "./requests";
import { SumsTable } from "./SumsTable";
import { together } from "./sums";
import styles from "./Usage.module.css";
import { useMoney } from "./useMoney";

/** What whoever is logged in has used, by day and model, and what is left to them. */
export default function UsagePage() {
  const t = useText();
  return (
    <Page title={t.usage.usage} actions={<Link href={routes.account}>{t.common.account}</Link>}>
      <Limits />
      <Used />
    </Page>
  );
}

function Used() {
  const t = useText();
  const { dayInUtc } = useFormat();
  const [range, setRange] = useState<Range>("thisMonth");
  const { from, to } = daysOf(range);
  const usage = useUsage(from, to);
  const items = usage.data?.items ?? [];
  const days = together(items, ({ day }) => day);
  const models = [...together(items, ({ model }) => model)].sort(
    ([, one], [, other]) => other.total_tokens - one.total_tokens,
  );
  return (
    <Section title={t.usage.used} hint={t.usage.usedHint}>
      <Select
        label={t.usage.range}
        value={range}
        className={styles.range}
        onChange={({ target }) => setRange(target.value as Range)}
      >
        {Object.entries(t.usage.ranges).map(([one, name]) => (
          <option key={one} value={one}>
            {name}
          </option>
        ))}
      </Select>
      <LoadError of={[usage]} />
      {usage.isPending && <Spinner />}
      {usage.data && <Total sums={usage.data.total} />}
      {items.length > 0 && (
        <>
          <DayChart days={daysBetween(from, to)} sums={days} />
          <h3>{t.usage.byModel}</h3>
          <SumsTable
            label={t.usage.byModel}
            of={t.usage.model}
            rows={models.map(([model, sums]) => ({
              ...sums,
              key: model ?? " ",
              name: model === null ? t.usage.otherModels : model || t.usage.unknownModel,
            }))}
          />
          <h3>{t.usage.byDay}</h3>
          <SumsTable
            label={t.usage.byDay}
            of={t.usage.day}
            rows={[...days].map(([day, sums]) => ({
              ...sums,
              key: day ?? "",
              name: day && dayInUtc(day),
            }))}
          />
        </>
      )}
    </Section>
  );
}

/** All of it together, in a sentence. */
function Total({ sums }: { sums: Sums }) {
  const t = useText();
  const { number, sentences } = useFormat();
  const money = useMoney();
  if (sums.requests === 0 && sums.total_tokens === 0) return <p role="status">{t.usage.nothing}</p>;
  return (
    <p className={styles.total}>
      {sentences(
        t.usage.total(number(sums.total_tokens), number(sums.requests)),
        ...(sums.costs.length > 0 ? [t.usage.totalCost(money.all(sums.costs))] : []),
      )}
      {sums.costs.length > 0 && sums.unpriced_tokens > 0 && (
        <span className={styles.quiet}>
          {sentences("", t.usage.unpriced(number(sums.unpriced_tokens)))}
        </span>
      )}
    </p>
  );
}
