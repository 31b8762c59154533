import type { MarkdownIt, StateBlock, StateCore, StateInline, Token } from "markdown-it";

/** What the token of a note says. */
export interface NoteMeta {
  label: string;
  /** By which it is known, from 1 in the order of the first marks; 0 while more of the text may come. */
  number: number;
  /** How many marks lead to it. */
  marks: number;
}

/** What the token of a mark says; its content is the note's label. */
export interface MarkMeta {
  /** The note's number; 0 while more of the text may come. */
  number: number;
  /** Which mark of that note it is, from 1. */
  nth: number;
}

const MARK = /\[\^([^\s[\]]{1,64})\]/y;
const NOTE = /\[\^([^\s[\]]{1,64})\]:[ \t]*/y;
// Of these a mark is drawn before its note has come; others are more often something else.
const COMMON = /^\d{1,3}$/;
const OPENING = 0x5b;
const INDENT = 4;

/**
 * Footnotes: `[^1]` in a text, and `[^1]: …` at the beginning of a line, outside of lists and quotes. A note
 * goes on as an item of a list does: its further blocks are indented by four. Notes stay where they stand among
 * the tokens, and each is a block of its own. Of two with one label the first is meant; one that no mark leads
 * to is numbered behind the others, so that none is lost. A mark without a note is text.
 */
export function footnotes(md: MarkdownIt): void {
  md.block.ruler.before("reference", "footnote", note, {
    alt: ["paragraph", "reference", "blockquote"],
  });
  md.inline.ruler.before("link", "footnote_mark", mark);
  md.core.ruler.before("inline", "footnotes", collect);
  md.core.ruler.push("footnote_numbers", number);
}

/** The note that a block's tokens are, or undefined. */
export function noteOf(tokens: readonly Token[]): NoteMeta | undefined {
  const first = tokens[0];
  return first?.type === "footnote_open" ? noteMeta(first) : undefined;
}

/** Whether some of these tokens hang on what notes there are in the rest of the text. */
export function hangsOnNotes(tokens: readonly Token[]): boolean {
  return noteOf(tokens) !== undefined || marksIn(tokens).length > 0;
}

function note(state: StateBlock, start: number, last: number, silent: boolean): boolean {
  if ((state.sCount[start] as number) - state.blkIndent >= INDENT) return false;
  const at = (state.bMarks[start] as number) + (state.tShift[start] as number);
  if (state.src.charCodeAt(at) !== OPENING) return false;
  NOTE.lastIndex = at;
  const found = NOTE.exec(state.src);
  if (found === null) return false;
  if (silent) return true;
  if (state.level > 0) return false;
  const open = state.push("footnote_open", "li", 1);
  const meta: NoteMeta = { label: found[1] as string, number: 0, marks: 0 };
  open.meta = { ...meta };
  const { bMarks, tShift, sCount, blkIndent } = state;
  const before = [bMarks[start], tShift[start], sCount[start]] as [number, number, number];
  // Its first line begins behind the label, as far in as its others.
  [bMarks[start], tShift[start], sCount[start]] = [at + found[0].length, 0, INDENT];
  state.blkIndent = INDENT;
  state.md.block.tokenize(state, start, last);
  state.blkIndent = blkIndent;
  [bMarks[start], tShift[start], sCount[start]] = before;
  open.map = [start, state.line];
  state.push("footnote_close", "li", -1);
  return true;
}

function mark(state: StateInline, silent: boolean): boolean {
  // Asked in silence is only what a link may have in its text: a mark there is text, not the end of the link.
  if (silent || state.linkLevel > 0 || state.src.charCodeAt(state.pos) !== OPENING) return false;
  MARK.lastIndex = state.pos;
  const label = MARK.exec(state.src)?.[1];
  if (label === undefined || MARK.lastIndex > state.posMax) return false;
  const end = MARK.lastIndex;
  const isOpen = state.env.open === true;
  if (!notesIn(state.env)?.has(label) && !(isOpen && COMMON.test(label))) return false;
  const token = state.push("footnote_mark", "sup", 0);
  token.content = label;
  token.meta = { number: 0, nth: 0 };
  state.pos = end;
  return true;
}

/** Says which notes there are before their marks are looked for. */
function collect(state: StateCore): void {
  const notes = new Map<string, NoteMeta>();
  for (const token of state.tokens) {
    if (token.type !== "footnote_open") continue;
    const meta = noteMeta(token);
    if (!notes.has(meta.label)) notes.set(meta.label, meta);
  }
  if (notes.size > 0) state.env.notes = notes;
}

function number(state: StateCore): void {
  const notes = notesIn(state.env);
  if (notes === undefined || state.env.open === true) return;
  let count = 0;
  const [text, inNotes] = apart(state.tokens);
  for (const token of marksIn([...text, ...inNotes])) {
    const meta = notes.get(token.content) as NoteMeta;
    if (meta.number === 0) meta.number = ++count;
    token.meta = { number: meta.number, nth: ++meta.marks };
  }
  for (const token of state.tokens) {
    if (token.type !== "footnote_open") continue;
    const meta = noteMeta(token);
    if (meta.number === 0) meta.number = ++count;
  }
}

/** The tokens outside of notes, and those within. */
function apart(tokens: readonly Token[]): [Token[], Token[]] {
  const parts: [Token[], Token[]] = [[], []];
  let part = parts[0];
  for (const token of tokens) {
    if (token.type === "footnote_open") part = parts[1];
    part.push(token);
    if (token.type === "footnote_close") part = parts[0];
  }
  return parts;
}

function marksIn(tokens: readonly Token[]): Token[] {
  return tokens.flatMap(
    ({ children }) => children?.filter(({ type }) => type === "footnote_mark") ?? [],
  );
}

function notesIn(env: StateCore["env"]): Map<string, NoteMeta> | undefined {
  return env.notes as Map<string, NoteMeta> | undefined;
}

function noteMeta(token: Token): NoteMeta {
  return token.meta as unknown as NoteMeta;
}
