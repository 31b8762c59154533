import { activity, inOrder, type Session } from "./lists";

/** Where each conversation stood: by its id, the moment it is ordered by. */
export type Places = ReadonlyMap<string, string>;

/** A conversation, and the moment by which it stands where it stands. */
export interface Row {
  session: Session;
  at: string;
}

/**
 * Rows in their order. While `held`, because the pointer is among them, each stands where it
 * stood: nothing moves under the pointer. What is new waits, unless it comes below all others.
 */
export function rowsOf(sessions: readonly Session[], held: Places | null): Row[] {
  if (held === null)
    return sessions.toSorted(inOrder).map((session) => ({ session, at: activity(session) }));
  const lowest = Math.min(...[...held.values()].map((at) => Date.parse(at)));
  return sessions
    .flatMap((session) => {
      const stood = held.get(session.id);
      const at = stood ?? activity(session);
      return stood !== undefined || Date.parse(at) <= lowest ? [{ session, at }] : [];
    })
    .toSorted((one, other) =>
      inOrder(
        { ...one.session, last_message_at: one.at },
        { ...other.session, last_message_at: other.at },
      ),
    );
}

export const placesOf = (sessions: readonly Session[]): Places =>
  new Map(sessions.map((session) => [session.id, activity(session)]));

export interface Group {
  /** What the group is called, as of `now`. */
  name: string;
  rows: Row[];
}

const DAY = 86_400_000;

/** Rows under *today*, *yesterday*, the last 7 and 30 days, and then months, named in `tag`'s language. */
export function groupsByDay(
  rows: readonly Row[],
  now: Date,
  tag: string,
  texts: { lastWeek: string; lastMonth: string },
): Group[] {
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto" });
  const month = new Intl.DateTimeFormat(tag, { month: "long" });
  const monthAndYear = new Intl.DateTimeFormat(tag, { month: "long", year: "numeric" });
  const today = startOfDay(now);
  const nameOf = (at: Date): string => {
    // Rounded: days on which clocks change have 23 or 25 hours.
    const days = Math.round((today - startOfDay(at)) / DAY);
    if (days <= 0) return capital(relative.format(0, "day"), tag);
    if (days === 1) return capital(relative.format(-1, "day"), tag);
    if (days <= 7) return texts.lastWeek;
    if (days <= 30) return texts.lastMonth;
    return capital((at.getFullYear() === now.getFullYear() ? month : monthAndYear).format(at), tag);
  };
  const groups: Group[] = [];
  for (const row of rows) {
    const name = nameOf(new Date(row.at));
    const last = groups.at(-1);
    if (last?.name === name) last.rows.push(row);
    else groups.push({ name, rows: [row] });
  }
  return groups;
}

const startOfDay = (at: Date): number =>
  new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

const capital = (text: string, tag: string): string =>
  text.charAt(0).toLocaleUpperCase(tag) + text.slice(1);
