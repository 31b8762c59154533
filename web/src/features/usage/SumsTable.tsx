import type { ReactNode } from "react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import type { Sums } from "./requests";
import styles from "./Usage.module.css";
import { useMoney } from "./useMoney";

export interface SumsRow
  extends Pick<
    Sums,
    "requests" | "prompt_tokens" | "completion_tokens" | "costs" | "unpriced_tokens"
  > {
  key: string;
  name: ReactNode;
}

/** Sums of whatever is told apart, a line for each. Costs are shown where any is known. */
export function SumsTable({
  label,
  of,
  rows,
}: {
  label: string;
  /** What stands in the first column. */
  of: string;
  rows: readonly SumsRow[];
}) {
  const t = useText();
  const { number } = useFormat();
  const money = useMoney();
  const priced = rows.some(({ costs }) => costs.length > 0);
  return (
    // Wide tables move on their own, by keys as well.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached
    <section className={styles.wide} aria-label={label} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{of}</th>
            <th scope="col">{t.usage.requests}</th>
            <th scope="col">{t.usage.prompt}</th>
            <th scope="col">{t.usage.completion}</th>
            {priced && <th scope="col">{t.usage.cost}</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <th scope="row">{row.name}</th>
              <td>{number(row.requests)}</td>
              <td>{number(row.prompt_tokens)}</td>
              <td>{number(row.completion_tokens)}</td>
              {priced && <td>{row.costs.length > 0 ? money.all(row.costs) : t.usage.noPrice}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
