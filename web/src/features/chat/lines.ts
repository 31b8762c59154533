const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

/**
 * Whether a text takes more than `most` lines where a line has room for `columns` letters, of which one of
 * Chinese, Japanese or Korean takes two. By count, as nothing is laid out for it.
 */
export function isLonger(text: string, most: number, columns: number): boolean {
  if (text.length > most * columns) return true;
  let lines = 0;
  for (const line of text.split("\n")) {
    const width = line.length + (line.match(WIDE)?.length ?? 0);
    lines += Math.max(1, Math.ceil(width / columns));
  }
  return lines > most;
}
