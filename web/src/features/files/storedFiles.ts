import { remembered } from "../../session";
import { readStored, writeStored } from "../../ui/storage";
import type { Attached } from "./transfer";

/** Beside the draft of the same place, and gone when that is. */
function nameOf(place: string): string {
  return `draft.${remembered()?.id ?? ""}.files-${place}`;
}

/** What the files of a draft were when it was left. */
export function kept(place: string): Attached[] {
  try {
    const all = JSON.parse(readStored(nameOf(place)) ?? "[]");
    return Array.isArray(all) ? all.filter((one) => typeof one?.id === "string") : [];
  } catch {
    // Touched by hand.
    return [];
  }
}

/** Remembers them. */
export function keep(place: string, files: readonly Attached[]): void {
  writeStored(nameOf(place), files.length === 0 ? null : JSON.stringify(files));
}
