import { readStored, writeStored } from "../../ui/storage";

const NAME = "notifications";

/** Whether there are any to be had: over plain HTTP no browser shows them. */
export const canNotify = () => isSecureContext && "Notification" in globalThis;

/** Whether whoever uses this device wants to be told, and the browser lets us. */
export const isWished = () =>
  canNotify() && readStored(NAME) === "yes" && Notification.permission === "granted";

/**
 * Keeps what is wished. Asks the browser first where they are, and shows one that says `sample`; gives
 * whether they are shown from now on.
 */
export async function wish(sample: string | undefined): Promise<boolean> {
  const shown = sample !== undefined && (await isShown(sample));
  writeStored(NAME, shown ? "yes" : null);
  return shown;
}

async function isShown(sample: string): Promise<boolean> {
  if ((await Notification.requestPermission()) !== "granted") return false;
  try {
    new Notification(sample, { tag: NAME });
    return true;
  } catch {
    // Those of Android show what a service worker says, and nothing that pages say.
    return false;
  }
}
