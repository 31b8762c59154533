import { type ReactNode, useEffect, useId, useMemo, useRef } from "react";
import { LANGUAGES, useLanguage, useText } from "../../i18n";
import { useSessionRuns } from "../../stream/use";
import { Button } from "../../ui/Button";
import { useLeaving } from "../../ui/deletions";
import { Spinner } from "../../ui/Spinner";
import { useSharedSessions } from "../share/requests";
import { ChoiceRow } from "./ChoiceRow";
import { type Session, sessionsOf, useSessionList, type View } from "./lists";
import { groupsByDay, type Row as RowOf } from "./order";
import { Row } from "./Row";
import type { RowActions } from "./rowActions";
import styles from "./Sidebar.module.css";
import type { Chosen } from "./useChoosing";
import { useRows } from "./useRows";
import { useToday } from "./useToday";

export interface ListProps {
  current: string | undefined;
  focused: string | undefined;
  onFocus: (id: string) => void;
  hold: number | null;
  /** Those that are chosen, while several are. */
  chosen: Chosen;
  actions: RowActions;
}

const everything = () => true;
/** What is in a folder is shown there. */
export const inNoFolder = (session: Session) => session.folder === null;

/** One list, loaded as far as somebody has scrolled. */
export function SessionList({
  view,
  heading,
  byDay = false,
  only = everything,
  none,
  ...list
}: ListProps & {
  view: View;
  /** Shown above, while there is something below it. */
  heading?: string;
  byDay?: boolean;
  only?: (session: Session) => boolean;
  /** What is said where there is nothing. */
  none?: ReactNode;
}) {
  const t = useText();
  const loaded = useSessionList(view);
  const leaving = useLeaving();
  const sessions = useMemo(
    () => sessionsOf(loaded.data).filter((one) => only(one) && !leaving.has(one.id)),
    [loaded.data, only, leaving],
  );
  const rows = useRows(sessions, list.hold);

  if (loaded.isPending) return none === undefined ? null : <Spinner />;
  if (loaded.isError && loaded.data === undefined)
    return none === undefined ? null : (
      <div role="alert" className={styles.none}>
        <p>{t.sidebar.notLoaded}</p>
        <Button small onClick={() => void loaded.refetch()}>
          {t.common.retry}
        </Button>
      </div>
    );
  return (
    <>
      {rows.length === 0 && !loaded.hasNextPage && none && <p className={styles.none}>{none}</p>}
      {byDay ? (
        <Days rows={rows} list={list} />
      ) : (
        rows.length > 0 && <Section heading={heading} rows={rows} list={list} />
      )}
      {loaded.isFetchNextPageError ? (
        <Button small look="quiet" onClick={() => void loaded.fetchNextPage()}>
          {t.common.retry}
        </Button>
      ) : (
        loaded.hasNextPage && (
          <Sentinel key={loaded.data?.pages.length} onSeen={() => void loaded.fetchNextPage()} />
        )
      )}
    </>
  );
}

function Days({ rows, list }: { rows: readonly RowOf[]; list: ListProps }) {
  const t = useText();
  const { language } = useLanguage();
  const today = useToday();
  const groups = useMemo(
    () => groupsByDay(rows, today, LANGUAGES[language].tag, t.sidebar),
    [rows, today, language, t],
  );
  return groups.map(({ name, rows }) => (
    <Section key={name} heading={name} rows={rows} list={list} />
  ));
}

function Section({
  heading,
  rows,
  list,
}: {
  heading: string | undefined;
  rows: readonly RowOf[];
  list: ListProps;
}) {
  const id = useId();
  const runs = useSessionRuns();
  const shared = useSharedSessions();
  return (
    <section aria-labelledby={heading && id}>
      {heading && (
        <h2 id={id} className={styles.heading}>
          {heading}
        </h2>
      )}
      {/* biome-ignore lint/a11y/noRedundantRoles: Safari forgets lists that are styled as none */}
      <ul role="list" className={styles.rows}>
        {rows.map(({ session }) =>
          list.chosen !== null ? (
            <ChoiceRow
              key={session.id}
              session={session}
              chosen={list.chosen.has(session.id)}
              first={list.chosen.size === 1 && list.chosen.has(session.id)}
              onToggle={list.actions.choose}
            />
          ) : (
            <Row
              key={session.id}
              session={session}
              current={session.id === list.current}
              shared={shared.has(session.id)}
              answering={runs.get(session.id)?.live ?? false}
              focused={session.id === list.focused}
              onFocus={list.onFocus}
              actions={list.actions}
            />
          ),
        )}
      </ul>
    </section>
  );
}

/** Stands below what is loaded, and says when it is nearly in sight. */
function Sentinel({ onSeen }: { onSeen: () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const seen = useRef(onSeen);
  useEffect(() => {
    seen.current = onSeen;
  });
  useEffect(() => {
    if (place.current === null) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && seen.current(),
      { root: place.current.closest("nav"), rootMargin: "600px" },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={place} className={styles.sentinel}>
      <Spinner />
    </div>
  );
}
