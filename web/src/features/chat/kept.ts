import { remembered } from "../../session";
import { readStored, writeStored } from "../../ui/storage";

const nameOf = () => `kept.${remembered()?.id ?? ""}`;

/** Whether this browser's user takes an answer that was kept of the same question. */
export const takesKept = (): boolean => readStored(nameOf()) !== null;

export function rememberKept(takes: boolean): void {
  writeStored(nameOf(), takes ? "yes" : null);
}

/** What a question says of it. */
export const keptWish = (): { cache?: true } => (takesKept() ? { cache: true } : {});
