import type { StateCore, Token } from "markdown-it";
import remend, { type RemendOptions } from "remend";
import { dollarEnd, OPEN_END } from "./maths-rules";

// What is of HTML and of other renderers is left: here it is text.
const OPTIONS: RemendOptions = {
  comparisonOperators: false,
  htmlTags: false,
  inlineKatex: false,
  katex: false,
  linkMode: "text-only",
  setextHeadings: false,
  singleTilde: false,
};
// A last line of these alone may become a heading, a rule, a fence, an item, a quote or maths.
const UNDECIDED =
  /(?:^|\n)[ \t>]*(?:[-=*_+#>`~|$]{1,6}|\d{1,3}[.)]?|\\\[?|[-*+] \[[ xX]?\]?)[ \t]*$/;
// A note's mark that is not whole, and at the beginning of a line one that may be the beginning of the note itself.
const NOTE = /\[\^[^\s[\]]{0,64}$|(?:^|\n) {0,3}\[\^[^\s[\]]{1,64}\](?::[ \t]*)?$/;
// A row whose second row may make it a table's head.
const HEAD = /(?:^|\n)([ \t]*\|[^\n]{0,400}(?:\n[ \t]*\|[-:| \t]*)?)$/;
const MATHS = /\$\$[\s\S]*?(?:\$\$|$)|\\\([\s\S]*?(?:\\\)|$)|\\\[[\s\S]*?(?:\\\]|$)/g;

/** `tail` without an end of which it is not known yet what it will be. */
export function decided(tail: string): string {
  const end = tail.slice(-400);
  const cut = NOTE.exec(end) ?? UNDECIDED.exec(end);
  if (cut !== null) {
    const rest = tail.slice(0, tail.length - cut[0].length);
    return head(cut[0].startsWith("\n") ? `${rest}\n` : rest);
  }
  return head(tail);
}

function head(tail: string): string {
  const found = HEAD.exec(tail.slice(-900));
  if (found === null) return tail;
  const rest = tail.slice(0, tail.length - (found[1] as string).length);
  // A row behind another row is of a table that is there already.
  return /\|[^\n]*\n$/.test(rest.slice(-400)) ? tail : rest;
}

/** Closes what the last text of an unfinished answer has opened. */
export function completeLast(state: StateCore): void {
  if (state.env.open !== true) return;
  const last = lastInline(state.tokens);
  if (last !== undefined) last.content = completed(last.content);
}

function lastInline(tokens: Token[]): Token | undefined {
  for (let at = tokens.length - 1; at >= 0; at--) {
    const token = tokens[at] as Token;
    if (token.type === "inline") return token;
    if (token.nesting !== -1) return undefined;
  }
  return undefined;
}

function completed(content: string): string {
  const mask = withoutMaths(content);
  const whole = remend(mask, OPTIONS);
  if (whole.startsWith(mask)) {
    const closers = whole.slice(mask.length);
    return content + (closers !== "" && endsInMaths(content) ? OPEN_END : "") + closers;
  }
  // An unfinished link or image became its text.
  return mask === content ? whole : content;
}

function endsInMaths(content: string): boolean {
  const last = [...content.matchAll(MATHS)].at(-1);
  if (last === undefined || last.index + last[0].length < content.length) return false;
  return !/.(?:\$\$|\\\)|\\\])$/s.test(last[0].slice(1));
}

/** The same text, as long, with letters in place of formulas: their `_` and `*` open nothing. */
function withoutMaths(content: string): string {
  let masked = content.replace(MATHS, (found) => "x".repeat(found.length));
  for (let at = masked.indexOf("$"); at >= 0; at = masked.indexOf("$", at + 1)) {
    const end = dollarEnd(masked, at, masked.length);
    if (end < 0) continue;
    masked = masked.slice(0, at) + "x".repeat(end + 1 - at) + masked.slice(end + 1);
  }
  return masked;
}
