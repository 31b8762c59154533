import { useEffect } from "react";
import { remembered, session } from "../../session";
import { readStored, writeStored } from "../../ui/storage";

/** What is typed in one composer, and what was sent from it and is not acknowledged yet. */
interface Draft {
  text: string;
  unsent?: string;
}

const PREFIX = "draft.";
const DELAY = 500;

function nameOf(place: string): string {
  return `${PREFIX}${remembered()?.id ?? ""}.${place}`;
}

function read(place: string): Draft {
  try {
    return { text: "", ...JSON.parse(readStored(nameOf(place)) ?? "{}") };
  } catch {
    // Of another version, or touched by hand.
    return { text: "" };
  }
}

function write(place: string, draft: Draft): void {
  const empty = draft.text === "" && !draft.unsent;
  writeStored(nameOf(place), empty ? null : JSON.stringify(draft));
}

let late: { place: string; text: string; timer: ReturnType<typeof setTimeout> } | undefined;

function flush(): void {
  if (late === undefined) return;
  clearTimeout(late.timer);
  const { place, text } = late;
  late = undefined;
  write(place, { ...read(place), text });
}

/** Drafts by place: a conversation's id, or `new`. Kept for each user, until they log out. */
export const drafts = {
  /** What a composer begins with: what was not acknowledged before the page went is there again. */
  of(place: string): string {
    flush();
    const { text, unsent } = read(place);
    return [unsent, text].filter(Boolean).join("\n\n");
  },
  /** Keeps what is typed, within half a second or when the page goes. */
  keep(place: string, text: string): void {
    if (late !== undefined && late.place !== place) flush();
    clearTimeout(late?.timer);
    late = { place, text, timer: setTimeout(flush, DELAY) };
  },
  /** What was typed has been sent: it is kept until that is acknowledged. */
  sending(place: string, unsent: string): void {
    flush();
    write(place, { text: "", unsent });
  },
  /** It was; `madeAs`: the conversation that was made for it, which what is typed meanwhile is for. */
  acknowledged(place: string, madeAs?: string): void {
    flush();
    const { text } = read(place);
    write(place, { text: "" });
    write(madeAs ?? place, { text });
  },
  clear(): void {
    clearTimeout(late?.timer);
    late = undefined;
    const names = Object.keys(localStorage).filter((name) => name.startsWith(`parley.${PREFIX}`));
    for (const name of names) writeStored(name.slice("parley.".length), null);
  },
};

session.onEnd(drafts.clear);

/** Writes what is late when the page is left or hidden. */
export function useDraftsKept(): void {
  useEffect(() => {
    const hidden = () => document.hidden && flush();
    window.addEventListener("pagehide", flush);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      flush();
      window.removeEventListener("pagehide", flush);
      document.removeEventListener("visibilitychange", hidden);
    };
  }, []);
}
