/** Days as the server counts them: in UTC, such as 2026-11-27. */
export type Range = "thisMonth" | "lastMonth" | "week" | "year";

const DAY = 86_400_000;

/** The first and the last day of a range, as of `now`. */
export function daysOf(range: Range, now = new Date()): { from: string; to: string } {
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  switch (range) {
    case "thisMonth":
      return { from: dayOf(Date.UTC(year, month, 1)), to: dayOf(now) };
    case "lastMonth":
      return { from: dayOf(Date.UTC(year, month - 1, 1)), to: dayOf(Date.UTC(year, month, 0)) };
    case "week":
      return { from: dayOf(now.getTime() - 6 * DAY), to: dayOf(now) };
    case "year":
      return { from: dayOf(now.getTime() - 364 * DAY), to: dayOf(now) };
  }
}

/** Every day from the one to the other. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY) days.push(dayOf(at));
  return days;
}

function dayOf(at: number | Date): string {
  return new Date(at).toISOString().slice(0, 10);
}
