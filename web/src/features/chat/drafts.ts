import { useEffect } from "react";
import { remembered, session } from "../../session";
import { namesStored, readStored, writeStored } from "../../ui/storage";
import { isOpen, thisPage } from "./openPages";

/** What is typed in one place, and what was pressed there and has not begun yet, by its page and press. */
interface Draft {
  text: string;
  unsent?: Record<string, string>;
}

const pressOf = (press: string) => `${thisPage}.${press}`;

const PREFIX = "draft.";
const DELAY = 500;

function nameOf(place: string): string {
  return `${PREFIX}${remembered()?.id ?? ""}.${place}`;
}

function stored(name: string): Draft {
  try {
    return { text: "", ...JSON.parse(readStored(name) ?? "{}") };
  } catch {
    // Of another version, or touched by hand.
    return { text: "" };
  }
}

function store(name: string, { text, unsent = {} }: Draft): void {
  const isUnsent = Object.keys(unsent).length > 0;
  const draft: Draft = isUnsent ? { text, unsent } : { text };
  writeStored(name, text === "" && !isUnsent ? null : JSON.stringify(draft));
}

const read = (place: string) => stored(nameOf(place));
const write = (place: string, draft: Draft) => store(nameOf(place), draft);

const names = () => namesStored().filter((name) => name.startsWith(PREFIX));

/**
 * What a page pressed that is gone, and nobody acknowledged, is typed text again: what a page presses
 * that is open stands in its outbox, and would be here a second time.
 */
function takeUp(): void {
  for (const name of names()) {
    const { text, unsent = {} } = stored(name);
    const presses = Object.entries(unsent);
    const going = presses.filter(([press]) => isOpen(press.slice(0, press.indexOf("."))));
    if (going.length === presses.length) continue;
    const left = presses.filter((one) => !going.includes(one)).map(([, sent]) => sent);
    store(name, {
      text: [...left, text].filter(Boolean).join("\n\n"),
      unsent: Object.fromEntries(going),
    });
  }
}

takeUp();

let late: { place: string; text: string; timer: ReturnType<typeof setTimeout> } | undefined;

function flush(): void {
  if (late === undefined) return;
  clearTimeout(late.timer);
  const { place, text } = late;
  late = undefined;
  write(place, { ...read(place), text });
}

/** The place of a message that is edited. */
export const editOf = (messageId: string) => `edit-${messageId}`;

/** Drafts by place: a conversation's id, `new`, or a message's. Kept for each user, until they log out. */
export const drafts = {
  /** What a field begins with. */
  of(place: string): string {
    flush();
    return read(place).text;
  },
  /** Keeps what is typed, within half a second or when the page goes. */
  keep(place: string, text: string): void {
    if (late !== undefined && late.place !== place) flush();
    clearTimeout(late?.timer);
    late = { place, text, timer: setTimeout(flush, DELAY) };
  },
  /** What is typed was sent, or given up. */
  empty(place: string): void {
    flush();
    write(place, { ...read(place), text: "" });
  },
  /** A press sends `text`, which is kept until that is acknowledged; what is typed stays. */
  sending(place: string, press: string, text: string): void {
    flush();
    const draft = read(place);
    write(place, { ...draft, unsent: { ...draft.unsent, [pressOf(press)]: text } });
  },
  /**
   * The press, which sent `sent`, has begun, or was taken back; `madeAs`: the conversation that was
   * made for it, which what is typed meanwhile is for.
   */
  acknowledged(place: string, press: string, sent: string, madeAs: string = place): void {
    flush();
    const { text: typed, unsent: { [pressOf(press)]: begun, ...unsent } = {} } = read(place);
    // Another tab, which could not tell, took it for what an earlier page had left.
    const taken = begun === undefined && (typed === sent || typed.startsWith(`${sent}\n\n`));
    const text = taken ? typed.slice(sent.length).replace(/^\n\n/, "") : typed;
    write(place, { text: madeAs === place ? text : "", unsent });
    if (madeAs !== place) write(madeAs, { ...read(madeAs), text });
  },
  /** What a press sends that has not begun is for another place: the conversation that was made. */
  move(place: string, press: string, to: string): void {
    flush();
    const { text, unsent: { [pressOf(press)]: sent, ...unsent } = {} } = read(place);
    if (sent === undefined) return;
    write(place, { text, unsent });
    drafts.sending(to, press, sent);
  },
  clear(): void {
    clearTimeout(late?.timer);
    late = undefined;
    for (const name of names()) writeStored(name, null);
  },
};

session.onEnd(() => drafts.clear());

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
