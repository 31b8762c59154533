import { useText } from "../../i18n";
import { classes } from "../../ui/classes";
import type { Session } from "./lists";
import styles from "./Row.module.css";
import { titleOf } from "./titleOf";

/** A conversation in a list while several are chosen. */
export function ChoiceRow({
  session,
  chosen,
  first,
  onToggle,
}: {
  session: Session;
  chosen: boolean;
  /** With it choosing has begun: the keyboard goes on there. */
  first: boolean;
  onToggle: (session: Session) => void;
}) {
  const t = useText();
  return (
    <li className={styles.row} data-item>
      <label className={classes(styles.link, styles.choice)}>
        <input
          type="checkbox"
          checked={chosen}
          data-row
          // biome-ignore lint/a11y/noAutofocus: the menu by which it was chosen is not there any more
          autoFocus={first}
          onChange={() => onToggle(session)}
        />
        <span className={styles.title}>{titleOf(session) || t.sidebar.untitled}</span>
      </label>
    </li>
  );
}
