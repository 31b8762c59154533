import { FileCode, Table as TableIcon } from "lucide-react";
import { type ReactNode, useCallback, useRef } from "react";
import { useText } from "../i18n";
import { htmlOf } from "./clipboard";
import { CopyButton } from "./copy-button";
import styles from "./markdown.module.css";

/** A table that scrolls within itself, and can be taken to a spreadsheet. `source`: its Markdown. */
export function Table({ source, children }: { source: string; children: ReactNode }) {
  const t = useText();
  const table = useRef<HTMLTableElement>(null);
  const written = useRef(source);
  written.current = source;
  // The same at every update of a table that is being written, as are its buttons.
  const whole = useCallback(() => {
    const element = table.current as HTMLTableElement;
    return { text: tabSeparated(element), html: `<table>${htmlOf(element)}</table>` };
  }, []);
  const markdown = useCallback(() => ({ text: written.current }), []);
  return (
    <div className={styles.table}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard */}
      <figure className={styles.scroll} tabIndex={0} aria-label={t.chat.table}>
        <table ref={table} dir="auto">
          {children}
        </table>
      </figure>
      <div className={styles.tableActions} data-chrome>
        <CopyButton label={t.chat.copyTable} icon={TableIcon} what={whole} />
        <CopyButton label={t.chat.copyMarkdown} icon={FileCode} what={markdown} />
      </div>
    </div>
  );
}

function tabSeparated(table: HTMLTableElement): string {
  return [...table.rows]
    .map((row) =>
      [...row.cells].map((cell) => (cell.textContent ?? "").replace(/\s+/g, " ").trim()).join("\t"),
    )
    .join("\n");
}
