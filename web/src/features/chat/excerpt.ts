const LENGTH = 60;

/** The beginning of a text on one line, as a name for it. */
export function excerpt(text: string): string {
  const line = text
    .slice(0, 4 * LENGTH)
    .replace(/\s+/g, " ")
    .trim();
  return line.length <= LENGTH ? line : `${line.slice(0, LENGTH)}…`;
}

const WORDS = /[\u3040-\u30ff\u3400-\u9fff]|[\p{L}\p{N}]+/gu;

/** How many words there are in a text, each Chinese or Japanese character being one. */
export function wordsIn(text: string): number {
  return text.match(WORDS)?.length ?? 0;
}
