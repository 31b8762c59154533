const LEAST = 500;
const MOST = 10_000;
const RESTARTING = 250;
const STARTING = 1_000;
const CROWDED = 30_000;

/**
 * How long to wait, in milliseconds, before the socket is opened again that was closed with `code`;
 * `failures` counts the attempts that failed since it was last open. `chance` is from 0 to 1: all the
 * pages that lost one gateway do not come to the next at one moment.
 */
export function pause(code: number, failures: number, chance: number): number {
  const growing = Math.min(MOST, LEAST * 2 ** failures) * (0.5 + chance / 2);
  switch (code) {
    case 1012:
      // Being replaced: another gateway is there.
      return failures === 0 ? RESTARTING * chance : growing;
    case 1013:
      return Math.max(STARTING, growing);
    case 4401:
      // Only the token was too old.
      return failures === 0 ? 0 : growing;
    case 4429:
      return CROWDED * (0.5 + chance / 2);
    default:
      return growing;
  }
}
