import { createContext, type MouseEvent, type ReactNode, useContext } from "react";
import { useText } from "../i18n";
import type { MarkMeta, NoteMeta } from "./footnote-rules";
import styles from "./markdown.module.css";

/** What the ids of the notes of the text that is drawn begin with: each text of a page has its own. */
export const NoteIds = createContext("");

const noteId = (text: string, number: number) => `${text}-note-${number}`;
const markId = (text: string, number: number, nth: number) => `${text}-mark-${number}-${nth}`;

/** What leads to a note; while more of the text may come it is not known yet where to. */
export function NoteMark({ label, number, nth }: MarkMeta & { label: string }) {
  const t = useText();
  const text = useContext(NoteIds);
  if (number === 0) return <sup>[{label}]</sup>;
  return (
    <sup>
      <a
        id={markId(text, number, nth)}
        href={`#${noteId(text, number)}`}
        role="doc-noteref"
        aria-label={t.chat.footnote(number)}
        onClick={go}
      >
        [{number}]
      </a>
    </sup>
  );
}

/** A note, in the list of them, with ways back to where it is referred to. */
export function Note({ label, number, marks, children }: NoteMeta & { children: ReactNode }) {
  const t = useText();
  const text = useContext(NoteIds);
  if (number === 0) return <li value={Number(label) || undefined}>{children}</li>;
  return (
    <li id={noteId(text, number)} className={styles.note} tabIndex={-1}>
      {children}
      {marks > 0 && (
        <span data-chrome className={styles.back}>
          {Array.from({ length: marks }, (_, at) => (
            <a
              // biome-ignore lint/suspicious/noArrayIndexKey: marks are told apart by their place alone
              key={at}
              href={`#${markId(text, number, at + 1)}`}
              role="doc-backlink"
              aria-label={t.chat.backToText(number, at + 1)}
              onClick={go}
            >
              ↩︎{at > 0 && <sup>{at + 1}</sup>}
            </a>
          ))}
        </span>
      )}
    </li>
  );
}

/** Within the text, and not to another address: that would be one more step of the way back in the browser. */
function go(event: MouseEvent<HTMLAnchorElement>): void {
  event.preventDefault();
  const target = document.getElementById(event.currentTarget.hash.slice(1));
  target?.scrollIntoView({ block: "nearest" });
  target?.focus({ preventScroll: true });
}
