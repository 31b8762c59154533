import { useId } from "react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import styles from "./Usage.module.css";

const HEIGHT = 100;
const WIDTH = 10;

/** Tokens of each day as bars: what models were given, and on top of it what they said. */
export function DayChart({
  days,
  sums,
}: {
  days: readonly string[];
  sums: ReadonlyMap<string | null, { prompt_tokens: number; completion_tokens: number }>;
}) {
  const t = useText();
  const { dayInUtc, number } = useFormat();
  const id = useId();
  const bars = days.map((day) => sums.get(day) ?? { prompt_tokens: 0, completion_tokens: 0 });
  const most = Math.max(1, ...bars.map((bar) => bar.prompt_tokens + bar.completion_tokens));
  const first = days[0];
  const last = days.at(-1);
  return (
    <figure className={styles.chart}>
      <svg
        role="img"
        aria-labelledby={id}
        viewBox={`0 0 ${days.length * WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
      >
        <title id={id}>{t.usage.chart(number(most))}</title>
        {bars.map((bar, at) => {
          const given = (bar.prompt_tokens / most) * HEIGHT;
          const said = (bar.completion_tokens / most) * HEIGHT;
          const place = { x: at * WIDTH + 1, width: WIDTH - 2 };
          return (
            <g key={days[at]}>
              <rect {...place} y={HEIGHT - given} height={given} className={styles.given} />
              <rect {...place} y={HEIGHT - given - said} height={said} className={styles.said} />
            </g>
          );
        })}
      </svg>
      <figcaption className={styles.caption}>
        <span>{first && dayInUtc(first)}</span>
        <span>{last && dayInUtc(last)}</span>
        <span className={styles.legend}>
          <span className={styles.given} aria-hidden="true" />
          {t.usage.prompt}
          <span className={styles.said} aria-hidden="true" />
          {t.usage.completion}
        </span>
      </figcaption>
    </figure>
  );
}
