import MarkdownIt, { type Env, type StateCore, type Token } from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";
import { footnotes, type NoteMeta, noteOf } from "./footnote-rules";
import { completeLast } from "./incomplete";
import { maths } from "./maths-rules";

/** One top-level block: what is frozen, and redrawn, as a whole. */
export interface Block {
  source: string;
  tokens: Token[];
  /** Its first line, counted from the beginning of what was parsed. */
  line: number;
  /** Where that line begins there. */
  offset: number;
  /** What it is a note of, if it is one: asked of all blocks at each update. */
  note: NoteMeta | undefined;
}

export interface Parsed {
  blocks: Block[];
  /** Whether links are defined elsewhere in the text: then a block means more than its own source. */
  hasReferences: boolean;
}

const MAX_NESTING = 40;
/** A block of more characters is shown as plain text. */
export const BLOCK_LIMIT = 50_000;
// More of these nobody writes in one paragraph, and some take time by their square.
const MARKS = /[*_~`[\]!<>&\\$]/g;
const MARKS_LIMIT = 2_000;
// Where a run of Chinese, Japanese or Korean begins a link's address has ended.
const CJK = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]/;
const SCHEMES = /^(?:https?:\/\/|mailto:)/i;

const md = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: MAX_NESTING });
md.use(cjkFriendly).use(maths).use(footnotes);
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
md.validateLink = (address) => SCHEMES.test(address.trim());
// Addresses stay as they were written; each browser encodes them by itself.
md.normalizeLinkText = (text) => text;
const { Token: Made } = new md.core.State("", md, {});
endLinksAtCjk();
md.core.ruler.after("block", "bounds", bounds);
md.core.ruler.after("bounds", "open_fence", openFence);
md.core.ruler.after("open_fence", "complete_last", completeLast);

/**
 * The blocks of `text`, in which there is no carriage return. `open`: there is more to come, so
 * what the end has opened counts as closed. What the parser fails on is one block of plain text.
 */
export function parse(text: string, open: boolean): Parsed {
  const env: Env = { open };
  let tokens: Token[];
  try {
    tokens = md.parse(text, env);
  } catch {
    tokens = [plain(text, 0, 1)];
  }
  const references = Object.keys(env.references ?? {}).length > 0;
  return { blocks: blocksOf(text, tokens), hasReferences: references };
}

function blocksOf(text: string, tokens: Token[]): Block[] {
  const blocks: Block[] = [];
  let from = 0;
  let line = 0;
  let offset = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (token.level !== 0 || token.nesting === 1) continue;
    const first = tokens[from] as Token;
    const begin = first.map?.[0] ?? 0;
    for (; line < begin; line++) offset = text.indexOf("\n", offset) + 1;
    const own = tokens.slice(from, at + 1);
    blocks.push({ source: "", tokens: own, line, offset, note: noteOf(own) });
    from = at + 1;
  }
  blocks.forEach((block, index) => {
    block.source = text.slice(block.offset, blocks[index + 1]?.offset);
  });
  return blocks;
}

/** Puts plain text in place of what is too large, too deep, or too full of marks. */
function bounds(state: StateCore): void {
  const lines = lineStarts(state.src);
  const kept: Token[] = [];
  let from = 0;
  state.tokens.forEach((token, at) => {
    if (token.level !== 0 || token.nesting === 1) return;
    const block = state.tokens.slice(from, at + 1);
    const [begin, end] = block[0]?.map ?? [0, lines.length];
    const source = state.src.slice(lines[begin] ?? 0, lines[end]);
    if (isWithin(block, source)) kept.push(...block);
    else kept.push(plain(source, begin, end));
    from = at + 1;
  });
  state.tokens = kept;
}

function isWithin(block: Token[], source: string): boolean {
  // Text without structure costs nothing, however long it is.
  if (block.length === 1) return true;
  if (source.length > BLOCK_LIMIT) return false;
  return block.every(
    (token) =>
      token.level < MAX_NESTING - 1 &&
      (token.type !== "inline" || (token.content.match(MARKS)?.length ?? 0) <= MARKS_LIMIT),
  );
}

/** Says of a fence whose end has not come yet that it is open. */
function openFence(state: StateCore): void {
  if (state.env.open !== true) return;
  const fence = state.tokens.findLast((token) => token.nesting !== -1);
  if (fence?.type !== "fence" || fence.map === null) return;
  const [begin, end] = fence.map;
  const starts = lineStarts(state.src);
  const last = state.src
    .slice(starts[end - 1], starts[end])
    .replace(/^[\s>]+/, "")
    .trimEnd();
  const closed = end - begin > 1 && last.startsWith(fence.markup) && /^(`+|~+)$/.test(last);
  fence.meta = { open: !closed };
}

function plain(text: string, begin: number, end: number): Token {
  const token = new Made("plain", "p", 0);
  token.content = text;
  token.map = [begin, end];
  return token;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function endLinksAtCjk(): void {
  const { linkify } = md;
  const match = linkify.match.bind(linkify);
  linkify.match = (text) => {
    const found = match(text);
    for (const link of found ?? []) {
      const at = link.raw.search(CJK);
      if (at < 0) continue;
      link.lastIndex = link.index + at;
      link.raw = link.raw.slice(0, at);
      link.text = link.raw;
      link.url = link.raw;
    }
    return found;
  };
  const atStart = linkify.matchAtStart.bind(linkify);
  linkify.matchAtStart = (text) => {
    const end = text.search(CJK);
    return atStart(end < 0 ? text : text.slice(0, end));
  };
}
