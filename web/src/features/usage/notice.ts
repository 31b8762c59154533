import type { Limit } from "./requests";

/** What is to be said of the limits together: the worst of them, of which connection that is, and until when. */
export type Notice =
  | { says: "usedUp" | "usedUpOf"; name: string | null; until: string }
  | { says: "nearly" | "much"; name: null; until: null };

/** Null: nothing is to be said. */
export function noticeOf(limits: Limit[]): Notice | null {
  const usedUp = limits.filter((limit) => has(limit, "used_up"));
  // Of one connection alone: with another one goes on.
  const ofAll = usedUp.filter(({ connections }) => connections !== "one");
  const last = ofAll
    .map(({ resets_at }) => resets_at)
    .sort()
    .at(-1);
  if (last !== undefined) return { says: "usedUp", name: null, until: last };
  const [ofOne] = usedUp;
  if (ofOne) return { says: "usedUpOf", name: ofOne.key_name, until: ofOne.resets_at };
  const soft = limits.filter((limit) => has(limit, "soft"));
  if (soft.length === 0) return null;
  // Where nothing is refused, nothing is nearly used up.
  return { says: soft.some(ends) ? "nearly" : "much", name: null, until: null };
}

function has({ tokens, cost }: Limit, state: "soft" | "used_up"): boolean {
  return tokens?.state === state || cost?.state === state;
}

/** Whether it is said of it because little is left, and not only because much was used. */
export function ends({ tokens, cost }: Limit): boolean {
  return (
    (tokens?.state === "soft" && tokens.allowed !== null) ||
    (cost?.state === "soft" && cost.allowed !== null)
  );
}
