import type { Schema } from "../../api";
import type { Sums } from "./requests";

type Item = Schema<"UsageItem">;
type Added = Pick<
  Sums,
  "requests" | "prompt_tokens" | "completion_tokens" | "total_tokens" | "costs" | "unpriced_tokens"
>;

/** What is alike in `keyOf` together, in the order of `items`. */
export function together<Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Added> {
  const found = new Map<Key, Added>();
  for (const item of items) {
    const key = keyOf(item);
    const before = found.get(key);
    found.set(key, before ? added(before, item) : item);
  }
  return found;
}

function added(one: Added, other: Added): Added {
  return {
    requests: one.requests + other.requests,
    prompt_tokens: one.prompt_tokens + other.prompt_tokens,
    completion_tokens: one.completion_tokens + other.completion_tokens,
    total_tokens: one.total_tokens + other.total_tokens,
    unpriced_tokens: one.unpriced_tokens + other.unpriced_tokens,
    costs: costsTogether([...one.costs, ...other.costs]),
  };
}

function costsTogether(costs: Sums["costs"]): Sums["costs"] {
  const sums = new Map<string, number>();
  for (const { currency, amount } of costs)
    sums.set(currency, (sums.get(currency) ?? 0) + Number(amount));
  return [...sums].map(([currency, amount]) => ({ currency, amount: String(amount) }));
}
