declare const process: { cpuUsage(): { user: number; system: number } };

/** Milliseconds of CPU that this process took for `act`: what else the machine does is no part of it. */
export function cpuOf(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const after = process.cpuUsage();
  return (after.user + after.system - before.user - before.system) / 1000;
}
