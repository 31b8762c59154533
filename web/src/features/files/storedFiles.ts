import { remembered } from "../../session";
import { namesStored, readStored, writeStored } from "../../ui/storage";
import { isOpen, thisPage } from "../chat/openPages";
import type { Attached } from "./transfer";

/** The files chosen for a draft, and by page those that questions have taken that have not begun yet. */
interface Stored {
  chosen: readonly Attached[];
  taken: Record<string, readonly Attached[]>;
}

// Beside the draft of the same place, and gone when that is.
const nameOf = (place: string) => `draft.${remembered()?.id ?? ""}.files-${place}`;
const OF_FILES = /^draft\.[^.]*\.files-/;

function read(name: string): Stored {
  try {
    const stored = JSON.parse(readStored(name) ?? "[]");
    const { chosen, taken = {} } = Array.isArray(stored) ? { chosen: stored } : stored;
    return { chosen: chosen.filter((one: Attached) => typeof one?.id === "string"), taken };
  } catch {
    // Touched by hand.
    return { chosen: [], taken: {} };
  }
}

function write(name: string, { chosen, taken }: Stored): void {
  const pages = Object.entries(taken).filter(([, files]) => files.length > 0);
  const isEmpty = chosen.length === 0 && pages.length === 0;
  const stored = { chosen, ...(pages.length > 0 && { taken: Object.fromEntries(pages) }) };
  writeStored(name, isEmpty ? null : JSON.stringify(stored));
}

/**
 * What questions of a page took that is gone, and that nobody acknowledged, is chosen again: what those of a
 * page took that is open goes along with them.
 */
function takeUp(): void {
  for (const name of namesStored().filter((one) => OF_FILES.test(one))) {
    const { chosen, taken } = read(name);
    const left = Object.keys(taken).filter((page) => !isOpen(page));
    if (left.length === 0) continue;
    const back = left.flatMap((page) => taken[page] ?? []);
    for (const page of left) delete taken[page];
    write(name, { chosen: [...back, ...chosen], taken });
  }
}

takeUp();

/** What the files of a draft were when it was left. */
export const kept = (place: string): readonly Attached[] => read(nameOf(place)).chosen;

/** Remembers them, and what questions of this page have taken. */
export function keep(
  place: string,
  chosen: readonly Attached[],
  taken: readonly Attached[] = [],
): void {
  const name = nameOf(place);
  write(name, { chosen, taken: { ...read(name).taken, [thisPage]: taken } });
}

/** Forgets what a question had taken, also where another page, which could not tell, took it for left. */
export function forget(
  place: string,
  gone: readonly Attached[],
  taken: readonly Attached[] = [],
): void {
  const ids = new Set(gone.map(({ id }) => id));
  const left = kept(place).filter(({ id }) => !ids.has(id));
  keep(place, left, taken);
}
