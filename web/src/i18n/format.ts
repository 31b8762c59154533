import { useMemo } from "react";
import { LANGUAGES, useLanguage } from ".";

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** How times and numbers are written in one language. */
export function formats(tag: string) {
  const day = new Intl.DateTimeFormat(tag, { dateStyle: "medium" });
  const moment = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(tag, { timeStyle: "short" });
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto" });
  const number = new Intl.NumberFormat(tag);
  return {
    /** 2 Nov 2026 */
    day: (at: string | Date) => day.format(new Date(at)),
    /** 2 Nov 2026, 09:30 */
    moment: (at: string | Date) => moment.format(new Date(at)),
    /** 09:30 */
    clock: (at: string | Date) => clock.format(new Date(at)),
    number: (value: number) => number.format(value),
    /** 3 minutes ago; under a minute: now. */
    ago: (at: string | Date, now = Date.now()) => {
      const seconds = (new Date(at).getTime() - now) / 1000;
      for (const [unit, size] of STEPS)
        if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
      return relative.format(0, "second");
    },
  };
}

export function useFormat() {
  const { language } = useLanguage();
  return useMemo(() => formats(LANGUAGES[language].tag), [language]);
}
