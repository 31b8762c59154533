import type { Schema } from "../../api";

type Titled = { title: string } & Partial<Pick<Schema<"Session">, "title_by">>;

const HEADING = /^#{1,6}\s+/;
const MARKED = /(\*\*|~~|`+)(?=\S)(.+?)(?<=\S)\1/g;
const EMPHASIS = /(?<![\w*])\*(?=[^\s*])([^*]*[^\s*])\*(?![\w*])/g;
// What was opened before the title was cut short.
const CUT = /(^|\s)(?:\*\*|`)(?=\S[^*`]*…$)/g;

/**
 * A conversation's title as it is shown. First lines of questions were kept with their Markdown for a time: its marks are
 * no part of a title, but for one that its user has written.
 */
export function titleOf({ title, title_by }: Titled): string {
  if (title_by === "user") return title;
  return title
    .replace(HEADING, "")
    .replace(MARKED, "$2")
    .replace(EMPHASIS, "$1")
    .replace(CUT, "$1");
}
