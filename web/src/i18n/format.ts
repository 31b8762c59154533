import { useLanguage, useText } from ".";
import { formatTag } from "./languages";

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const SIZES = [
  ["B", 1],
  ["kB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
] as const;

/** How times, numbers and several sentences are written in one language. */
export function formats(tag: string, justNow: string) {
  const day = new Intl.DateTimeFormat(tag, { dateStyle: "medium" });
  const moment = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short" });
  // A day as the server counts it, wherever its reader is.
  const dayInUtc = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeZone: "UTC" });
  const clock = new Intl.DateTimeFormat(tag, { timeStyle: "short" });
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto" });
  // Chinese sentences have no space between them.
  const space = tag.startsWith("zh") ? "" : " ";
  const colon = tag.startsWith("zh") ? "：" : ": ";
  const number = new Intl.NumberFormat(tag);
  const percent = new Intl.NumberFormat(tag, { style: "percent" });
  const one = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
  return {
    /** 2 Nov 2026 */
    day: (at: string | Date) => day.format(new Date(at)),
    /** The same of 2026-11-02, wherever one is. */
    dayInUtc: (day: string) => dayInUtc.format(new Date(day)),
    /** 2 Nov 2026, 09:30 */
    moment: (at: string | Date) => moment.format(new Date(at)),
    /** 09:30 */
    clock: (at: string | Date) => clock.format(new Date(at)),
    number: (value: number) => number.format(value),
    /** 42 % */
    percent: (part: number) => percent.format(part),
    /** 3.2 MB */
    size: (bytes: number) => {
      const [unit, least] = SIZES.findLast(([, least]) => bytes >= least) ?? SIZES[0];
      return `${one.format(bytes / least)} ${unit}`;
    },
    /** What something is called, and what is said of it. */
    named: (name: string, said: string) => `${name}${colon}${said}`,
    /** Sentences one after the other. */
    sentences: (...all: string[]) => all.join(space),
    /** 3 minutes ago; under a minute: just now. */
    ago: (at: string | Date, now = Date.now()) => {
      const seconds = (new Date(at).getTime() - now) / 1000;
      for (const [unit, size] of STEPS)
        if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
      return justNow;
    },
  };
}

// Made once for a language: each of them takes milliseconds, and every message wants one.
const made = new Map<string, ReturnType<typeof formats>>();

export function useFormat() {
  const tag = formatTag(useLanguage().language);
  const { justNow } = useText().common;
  const known = made.get(tag) ?? formats(tag, justNow);
  made.set(tag, known);
  return known;
}
