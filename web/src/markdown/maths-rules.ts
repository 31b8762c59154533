import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

/** What a maths token says beside its source. */
export interface MathsMeta {
  display: boolean;
  /** Its end has not come yet. */
  open: boolean;
}

interface Delimiters {
  open: string;
  close: string;
  display: boolean;
}

const DELIMITERS: Delimiters[] = [
  { open: "$$", close: "$$", display: true },
  { open: "\\[", close: "\\]", display: true },
  { open: "\\(", close: "\\)", display: false },
];
const ENVIRONMENT =
  /^\\begin\{((?:equation|align|alignat|gather|multline|eqnarray)\*?|[bpvBV]?matrix|cases)\}/;
// No formula has more lines; a search for the end goes no further.
const MOST_LINES = 200;
/** Nobody sees it: it ends a formula in completed text whose own end has not come yet. */
export const OPEN_END = "\u2063";
const DOLLAR = 0x24;
const BACKSLASH = 0x5c;

/** Maths: `$$…$$`, `\[…\]`, `\(…\)` and LaTeX's environments always, `$…$` where it cannot be a price. */
export function maths(md: MarkdownIt): void {
  md.inline.ruler.before("escape", "maths", inlineMaths);
  md.block.ruler.before("fence", "maths", blockMaths, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
}

function inlineMaths(state: StateInline, silent: boolean): boolean {
  const code = state.src.charCodeAt(state.pos);
  if (code !== DOLLAR && code !== BACKSLASH) return false;
  const rest = state.src.slice(state.pos, state.pos + 2);
  const found = DELIMITERS.find((one) => one.open === rest);
  if (found !== undefined) return delimited(state, found, silent);
  if (code !== DOLLAR) return false;
  const end = dollarEnd(state.src, state.pos, state.posMax);
  if (end < 0) return false;
  return push(state, "$", { display: false, open: false }, end, end + 1, silent);
}

function delimited(state: StateInline, { open, close, display }: Delimiters, silent: boolean) {
  const end = closing(state.src, close, state.pos + 2);
  if (end >= 0 && end < state.posMax) {
    if (state.src.slice(state.pos + 2, end).trim() !== "") {
      return push(state, open, { display, open: false }, end, end + 2, silent);
    }
  } else if (state.env.open === true) {
    const mark = state.src.indexOf(OPEN_END, state.pos);
    const last = mark >= 0 && mark < state.posMax ? mark : state.posMax;
    const behind = Math.min(last + 1, state.posMax);
    return push(state, open, { display, open: true }, last, behind, silent);
  }
  if (open !== "$$") return false;
  // Not to be read as two single ones.
  if (!silent) state.pending += open;
  state.pos += 2;
  return true;
}

function push(
  state: StateInline,
  markup: string,
  meta: MathsMeta,
  contentEnd: number,
  end: number,
  silent: boolean,
): boolean {
  if (!silent) {
    const token = state.push("maths_inline", "math", 0);
    token.content = state.src.slice(state.pos + markup.length, contentEnd);
    token.markup = markup;
    token.meta = { ...meta };
  }
  state.pos = end;
  return true;
}

/** Where `close` begins that no backslash takes away, or -1. */
function closing(text: string, close: string, from: number): number {
  for (let at = text.indexOf(close, from); at >= 0; at = text.indexOf(close, at + 1)) {
    if (!escaped(text, at)) return at;
  }
  return -1;
}

function escaped(text: string, at: number): boolean {
  let before = at;
  while (before > 0 && text.charCodeAt(before - 1) === BACKSLASH) before--;
  return (at - before) % 2 === 1;
}

/** The end of `$…$` that begins at `start`, or -1: what looks like a price or a shell's variable is none. */
export function dollarEnd(text: string, start: number, max: number): number {
  const first = text[start + 1];
  if (first === undefined || /[\s$]/.test(first)) return -1;
  if (start > 0 && /[\w$]/.test(text[start - 1] as string)) return -1;
  let end = start + 1;
  for (; end < max; end++) {
    const code = text.charCodeAt(end);
    if (code === 0x0a || code === 0x60) return -1;
    if (code === BACKSLASH) end++;
    else if (code === DOLLAR) break;
  }
  if (end >= max || /\s/.test(text[end - 1] as string)) return -1;
  const behind = text.slice(end + 1, end + 4);
  if (/^\$/.test(behind) || (/^\w/.test(behind) && !/^(st|nd|rd|th)(?!\w)/.test(behind))) return -1;
  const content = text.slice(start + 1, end);
  // `$5 and 10$`, `$100（HK$`: money, where nothing in it is of a formula.
  if (/^[\d.,]+[^\d.,]/.test(content) && /\s|[^\x20-\x7e]/.test(content)) {
    if (!/[\\^_=+<>{}]/.test(content)) return -1;
  }
  return end;
}

function blockMaths(state: StateBlock, start: number, last: number, silent: boolean): boolean {
  if (indentOf(state, start) >= 4) return false;
  const line = lineOf(state, start);
  const environment = ENVIRONMENT.exec(line);
  const pair = environment ? undefined : DELIMITERS.find((one) => line.startsWith(one.open));
  if (environment === null && !pair?.display) return false;
  const close = environment ? `\\end{${environment[1]}}` : (pair as Delimiters).close;
  const open = environment ? "" : (pair as Delimiters).open;
  const rest = line.slice(environment?.[0].length ?? open.length);
  const end = blockEnd(state, start, last, rest, close, environment !== null);
  if (end === undefined) return false;
  if (silent) return true;
  const body = state.getLines(start, end.line, state.sCount[start] as number, false).trim();
  const token = state.push("maths_block", "math", 0);
  const inner = body.slice(open.length);
  token.content = end.closed && environment === null ? inner.slice(0, -close.length) : inner;
  token.markup = open;
  token.map = [start, end.line];
  token.meta = { display: true, open: !end.closed };
  state.line = end.line;
  return true;
}

/** The line behind the block, or undefined where there is none to begin with. */
function blockEnd(
  state: StateBlock,
  start: number,
  last: number,
  rest: string,
  close: string,
  environment: boolean,
): { line: number; closed: boolean } | undefined {
  const at = closing(rest, close, 0);
  if (at >= 0) {
    const whole = rest.slice(at + close.length).trim() === "" && rest.slice(0, at).trim() !== "";
    return whole ? { line: start + 1, closed: true } : undefined;
  }
  // An opening that stands alone is like a fence's; another one wants its end within the paragraph.
  const alone = environment || rest.trim() === "";
  if (alone && isBlank(state, start + 1, last)) return undefined;
  const bound = alone ? last : Math.min(last, start + MOST_LINES);
  for (let line = start + 1; line < bound; line++) {
    const blank = state.isEmpty(line);
    if (blank ? !alone : (state.sCount[line] as number) < state.blkIndent) {
      return alone ? { line, closed: false } : undefined;
    }
    if (lineOf(state, line).endsWith(close)) return { line: line + 1, closed: true };
  }
  if (alone || (state.env.open === true && bound === last)) return { line: last, closed: false };
  return undefined;
}

function isBlank(state: StateBlock, begin: number, end: number): boolean {
  let line = begin;
  while (line < end && state.isEmpty(line)) line++;
  return line >= end;
}

function indentOf(state: StateBlock, line: number): number {
  return (state.sCount[line] as number) - state.blkIndent;
}

function lineOf(state: StateBlock, line: number): string {
  const begin = (state.bMarks[line] as number) + (state.tShift[line] as number);
  return state.src.slice(begin, state.eMarks[line]).trimEnd();
}
