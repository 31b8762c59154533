import { Ellipsis, Link2, Square } from "lucide-react";
import { memo, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { classes } from "../../ui/classes";
import { IconButton } from "../../ui/IconButton";
import { Menu } from "../../ui/Menu";
import { onKeys } from "../../ui/useKey";
import type { Session } from "./lists";
import styles from "./Row.module.css";
import { DeletedItems, Items } from "./RowItems";
import type { RowActions } from "./rowActions";
import { TitleBox } from "./TitleBox";
import { titleOf } from "./titleOf";

interface Props {
  session: Session;
  current: boolean;
  answering: boolean;
  /** Others can look at it. */
  shared: boolean;
  /** Whether Tab comes to its menu: the row is where the keyboard is. */
  focused: boolean;
  onFocus: (id: string) => void;
  actions: RowActions;
}

/** A conversation in a list: the way to it, its marks, and what can be done to it. */
export const Row = memo(function Row(props: Props) {
  const { session, current, answering, shared, focused, onFocus, actions } = props;
  const t = useText();
  const link = useRef<HTMLAnchorElement>(null);
  const item = useRef<HTMLLIElement>(null);
  const [renaming, setRenaming] = useState(false);
  const [stopping, setStopping] = useState(false);
  const shown = titleOf(session);
  const title = shown || t.sidebar.untitled;
  const deleted = session.deleted_at !== null;
  const unread = session.unread && !current && !answering;
  const state = answering ? t.sidebar.answering(title) : unread ? t.sidebar.unread(title) : title;

  // What takes it out of its list leaves the focus with the row beside it.
  const leaving = useMemo<RowActions>(() => {
    const then = (act: (session: Session) => void) => (session: Session) => {
      focusBeside(item.current);
      act(session);
    };
    return {
      ...actions,
      archive: then(actions.archive),
      unarchive: then(actions.unarchive),
      remove: then(actions.remove),
      restore: then(actions.restore),
      removeForGood: then(actions.removeForGood),
    };
  }, [actions]);

  async function stop() {
    // The button goes with the answer.
    link.current?.focus();
    setStopping(true);
    await actions.stop(session);
    setStopping(false);
  }

  function rename(on: boolean) {
    setRenaming(on);
    if (!on) requestAnimationFrame(() => link.current?.focus());
  }

  if (renaming)
    return (
      <li className={styles.row}>
        <TitleBox
          title={shown}
          hold={actions.hold}
          onDone={(given) => {
            if (given !== undefined && given !== shown) actions.rename(session, given);
            rename(false);
          }}
        />
      </li>
    );

  return (
    <li
      ref={item}
      className={classes(styles.row, current && styles.current)}
      data-item
      onFocus={() => onFocus(session.id)}
    >
      {deleted ? (
        <span className={styles.link}>
          <span className={styles.title}>{title}</span>
        </span>
      ) : (
        <Link
          ref={link}
          href={routes.chat(session.id)}
          className={classes(styles.link, unread && styles.unread, answering && styles.live)}
          aria-current={current ? "page" : undefined}
          data-row
          title={title}
          aria-label={shared ? t.shares.marked(state) : state}
          onClick={() => actions.open(session)}
          onDoubleClick={() => rename(true)}
          onKeyDown={onKeys({
            F2: () => rename(true),
            Delete: () => leaving.remove(session),
          })}
        >
          <span className={styles.title}>{title}</span>
          {shared && <Link2 aria-hidden className={styles.shared} size={14} />}
          {unread && <span aria-hidden className={styles.dot} />}
        </Link>
      )}
      {answering && !deleted && (
        <IconButton
          icon={Square}
          size={12}
          className={styles.stop}
          label={t.sidebar.stop(title)}
          tabIndex={focused ? 0 : -1}
          aria-busy={stopping || undefined}
          disabled={stopping}
          onClick={() => void stop()}
        />
      )}
      <span className={styles.more}>
        <Menu
          label={t.sidebar.actionsOf(title)}
          trigger={(menu) => (
            <IconButton
              icon={Ellipsis}
              size={16}
              label={t.sidebar.actionsOf(title)}
              tabIndex={focused || deleted ? 0 : -1}
              {...menu}
            />
          )}
        >
          {deleted ? (
            <DeletedItems session={session} actions={leaving} />
          ) : (
            <Items session={session} actions={leaving} onRename={() => rename(true)} />
          )}
        </Menu>
      </span>
    </li>
  );
});

/** Focuses the row below, else the one above, else the first of the sidebar's buttons. */
function focusBeside(row: HTMLElement | null): void {
  const sidebar = row?.closest("nav");
  const rows = [...(sidebar?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
  const at = rows.indexOf(row as HTMLElement);
  const beside = rows[at + 1] ?? rows[at - 1] ?? sidebar;
  beside?.querySelector<HTMLElement>("[data-row], button")?.focus();
}
