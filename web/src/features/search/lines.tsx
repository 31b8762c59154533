import { MessageSquare, MessageSquareText, NotebookText } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { classes } from "../../ui/classes";
import { titleOf } from "../sidebar/titleOf";
import { Marked } from "./Marked";
import { keysOf } from "./opened";
import styles from "./Search.module.css";
import type { Command } from "./useCommands";
import type { Hit } from "./useResults";

/** One of the list; the box above has the focus, and points to it. */
export function Line({
  id,
  active,
  onPoint,
  onChoose,
  children,
}: {
  id: string;
  active: boolean;
  onPoint: () => void;
  onChoose: () => void;
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the box, which has the focus
    // biome-ignore lint/a11y/useFocusableInteractive: the box points to it by aria-activedescendant
    <div
      id={id}
      role="option"
      aria-selected={active}
      className={classes(styles.line, active && styles.active)}
      onPointerMove={onPoint}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onChoose}
    >
      {children}
    </div>
  );
}

export function CommandLine({ icon: Icon, name, chord }: Omit<Command, "run">) {
  return (
    <>
      <Icon aria-hidden size={16} strokeWidth={1.75} />
      <span className={styles.name}>{name}</span>
      {chord && (
        <span aria-hidden className={styles.keys}>
          {keysOf(chord).map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </span>
      )}
    </>
  );
}

const ICONS = { session: MessageSquare, message: MessageSquareText, note: NotebookText };

export function HitLine({ hit }: { hit: Hit }) {
  const t = useText();
  const { day } = useFormat();
  const Icon = ICONS[hit.type];
  const title = (hit.type === "note" ? hit.title : titleOf(hit)) || t.sidebar.untitled;
  const isMarkable = titleOf({ title: hit.snippet }) === hit.snippet;
  return (
    <>
      <Icon aria-hidden size={16} strokeWidth={1.75} />
      <span className={styles.hit}>
        <span className={styles.name}>
          {hit.type === "session" && isMarkable ? (
            <Marked text={hit.snippet} hits={hit.hits} />
          ) : (
            title
          )}
        </span>
        {hit.type !== "session" && (
          <span className={styles.snippet}>
            <Marked text={hit.snippet} hits={hit.hits} />
          </span>
        )}
      </span>
      <span className={styles.when}>
        {hit.archived && `${t.sidebar.archived} · `}
        {day(hit.at)}
      </span>
    </>
  );
}
