import { useEffect, useState } from "react";

// A timer takes no more than 24 days.
const LONGEST = 86_400_000;

/** Now, as Date.now() counts: drawn anew as soon as one of these moments has come. */
export function useNow(moments: readonly (string | null)[]): number {
  const [now, setNow] = useState(Date.now);
  const next = Math.min(
    ...moments.map((at) => (at === null ? Number.NaN : Date.parse(at))).filter((at) => at > now),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a timer that ended before its moment is set anew
  useEffect(() => {
    if (!Number.isFinite(next)) return;
    const wait = Math.min(LONGEST, Math.max(0, next - Date.now()));
    const timer = setTimeout(() => setNow(Date.now()), wait);
    return () => clearTimeout(timer);
  }, [next, now]);
  return now;
}
