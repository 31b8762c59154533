import { readStored, writeStored } from "../../ui/storage";

const NAME = "notifications";

/** What came of a wish. refused: whoever uses the browser said no. impossible: it shows none of pages. */
export type Outcome = "on" | "off" | "refused" | "impossible";

/** Whether there are any to be had: over plain HTTP no browser shows them. */
export const canNotify = () => isSecureContext && "Notification" in globalThis;

/** Whether whoever uses this device wants to be told, and the browser lets us. */
export const isWished = () =>
  canNotify() && readStored(NAME) === "yes" && Notification.permission === "granted";

/**
 * Keeps what is wished. Asks the browser first where they are, and shows one that says `sample`; gives
 * what is so from now on.
 */
export async function wish(sample: string | undefined): Promise<Outcome> {
  const outcome = sample === undefined ? "off" : await tried(sample);
  writeStored(NAME, outcome === "on" ? "yes" : null);
  return outcome;
}

/** Shows one, with `text`; undefined where pages cannot: Android shows those of service workers alone. */
export function show(text: string, tag?: string): Notification | undefined {
  try {
    return new Notification(text, tag === undefined ? {} : { tag });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

async function tried(sample: string): Promise<Outcome> {
  // Nobody is asked for what cannot be had. Where nobody has been asked yet this shows nothing.
  if (Notification.permission !== "granted" && show(sample, NAME) === undefined)
    return "impossible";
  if ((await Notification.requestPermission()) !== "granted") return "refused";
  return show(sample, NAME) === undefined ? "impossible" : "on";
}
