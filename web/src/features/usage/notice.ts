import type { Limit } from "./requests";

/** What is to be said of the limits together: the worst of them, and of which connection that is. */
interface Notice {
  says: "usedUp" | "usedUpOf" | "nearly" | "much";
  name: string | null;
}

/** Null: nothing is to be said. */
export function noticeOf(limits: Limit[]): Notice | null {
  const usedUp = limits.filter((limit) => has(limit, "used_up"));
  // Of one connection alone: with another one goes on.
  const worst = usedUp.find(({ connections }) => connections !== "one") ?? usedUp[0];
  if (worst) {
    const isOfOne = worst.connections === "one";
    return { says: isOfOne ? "usedUpOf" : "usedUp", name: isOfOne ? worst.key_name : null };
  }
  const soft = limits.filter((limit) => has(limit, "soft"));
  if (soft.length === 0) return null;
  // Where nothing is refused, nothing is nearly used up.
  return { says: soft.some(ends) ? "nearly" : "much", name: null };
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
