import { useQueryClient } from "@tanstack/react-query";
import { Archive, ArrowLeft, Search, SquarePen, Trash2 } from "lucide-react";
import { lazy, type ReactNode, Suspense, useCallback, useRef, useState } from "react";
import { useRoute } from "wouter";
import { useText } from "../../i18n";
import { onKeys } from "../../ui/useKey";
import { useNotifications } from "../notifications/useNotifications";
import { palette } from "../search/opened";
import { ChosenBar } from "./ChosenBar";
import { Folders } from "./Folders";
import { known, type Session } from "./lists";
import { MoveDialog } from "./MoveDialog";
import { inNoFolder, type ListProps, SessionList } from "./SessionList";
import styles from "./Sidebar.module.css";
import { useChoosing } from "./useChoosing";
import { useHold } from "./useHold";
import { useListsByNotices } from "./useListsByNotices";
import { useNewChat } from "./useNewChat";
import { useRowActions } from "./useRowActions";
import { useTitleBadge } from "./useTitleBadge";

const ExportDialog = lazy(() => import("../transfer/ExportDialog"));

const NONE: readonly Session[] = [];

type Shown = "active" | "archived" | "deleted";

/** One's conversations, and the ways to a new one and to those that are not in sight. */
export function Sidebar({ onNavigate, toggle }: { onNavigate: () => void; toggle: ReactNode }) {
  const t = useText();
  const queries = useQueryClient();
  const [, params] = useRoute("/c/:id");
  const current = params?.id;
  const [shown, setShown] = useState<Shown>("active");
  const [focused, setFocused] = useState<string>();
  const [moving, setMoving] = useState<readonly Session[]>(NONE);
  const [exported, setExported] = useState<Session>();
  const { hold, set, moved, over } = useHold();
  const newChat = useNewChat();
  const { chosen, toggle: choose, end: endChoosing } = useChoosing();
  const nav = useRef<HTMLElement>(null);
  const moveOne = useCallback((session: Session) => setMoving([session]), []);
  useListsByNotices();
  useTitleBadge();
  useNotifications();

  const {
    sessions,
    rows: actions,
    archive,
    remove,
  } = useRowActions({
    current,
    onNavigate,
    onMove: moveOne,
    onChoose: choose,
    onExport: setExported,
    hold: set,
    moved,
  });
  const all = [...(chosen?.values() ?? [])];
  const list: ListProps = { current, focused, onFocus: setFocused, hold, chosen, actions };

  return (
    <nav
      ref={nav}
      aria-label={t.sidebar.conversations}
      className={styles.sidebar}
      onKeyDown={onKeys({
        ArrowDown: (event) => step(event.currentTarget, 1),
        ArrowUp: (event) => step(event.currentTarget, -1),
        // That of the dialog is its own.
        Escape: chosen === null || moving.length > 0 ? undefined : end,
      })}
    >
      <div className={styles.head}>{toggle}</div>
      <div className={styles.ways}>
        <button
          type="button"
          className={styles.way}
          onClick={() => {
            onNavigate();
            newChat();
          }}
        >
          <SquarePen aria-hidden size={16} strokeWidth={1.75} />
          {t.sidebar.newChat}
        </button>
        <button
          type="button"
          className={styles.way}
          aria-haspopup="dialog"
          onClick={() => {
            onNavigate();
            palette.open("search");
          }}
        >
          <Search aria-hidden size={16} strokeWidth={1.75} />
          {t.sidebar.search}
          <kbd aria-hidden className={styles.key}>
            {palette.key}
          </kbd>
        </button>
      </div>
      <div className={styles.lists} {...over}>
        {shown === "active" ? (
          <Active list={list} folder={currentFolder(current)} onShow={show} />
        ) : (
          <Aside shown={shown} list={list} onBack={() => show("active")} />
        )}
      </div>
      {chosen && (
        <ChosenBar
          count={chosen.size}
          archived={shown === "archived"}
          onMove={() => setMoving(all)}
          onArchive={() => {
            end();
            if (shown === "archived") void sessions.unarchive(all);
            else archive(all);
          }}
          onRemove={() => {
            end();
            remove(all);
          }}
          onEnd={end}
          hold={set}
        />
      )}
      <MoveDialog
        sessions={moving}
        onClose={() => setMoving(NONE)}
        onMove={(folder) => {
          setMoving(NONE);
          end();
          void sessions.move(moving, folder);
        }}
      />
      {exported && (
        <Suspense>
          <ExportDialog session={exported} onClose={() => setExported(undefined)} />
        </Suspense>
      )}
    </nav>
  );

  /** The keyboard goes on in the row where it was, or in the first. */
  function end() {
    if (chosen === null) return;
    const at = Math.max(0, rowsIn(nav.current).indexOf(document.activeElement as HTMLElement));
    endChoosing();
    requestAnimationFrame(() => rowsIn(nav.current)[at]?.focus({ preventScroll: true }));
  }

  function show(list: Shown) {
    end();
    setShown(list);
  }

  function currentFolder(id: string | undefined): string | null {
    return (id === undefined ? undefined : known(queries, id))?.folder ?? null;
  }
}

function Active({
  list,
  folder,
  onShow,
}: {
  list: ListProps;
  folder: string | null;
  onShow: (shown: Shown) => void;
}) {
  const t = useText().sidebar;
  return (
    <>
      <SessionList {...list} view="pinned" heading={t.pinned} />
      <Folders {...list} here={folder} />
      <SessionList {...list} view="active" byDay only={inNoFolder} none={t.none} />
      <div className={styles.others}>
        <button type="button" className={styles.other} onClick={() => onShow("archived")}>
          <Archive aria-hidden size={16} strokeWidth={1.75} />
          {t.archived}
        </button>
        <button type="button" className={styles.other} onClick={() => onShow("deleted")}>
          <Trash2 aria-hidden size={16} strokeWidth={1.75} />
          {t.deleted}
        </button>
      </div>
    </>
  );
}

function Aside({
  shown,
  list,
  onBack,
}: {
  shown: "archived" | "deleted";
  list: ListProps;
  onBack: () => void;
}) {
  const t = useText().sidebar;
  return (
    <>
      <button type="button" className={styles.other} onClick={onBack}>
        <ArrowLeft aria-hidden size={16} strokeWidth={1.75} />
        {t.toChats}
      </button>
      <SessionList
        {...list}
        view={shown}
        heading={t[shown]}
        none={shown === "archived" ? t.noneArchived : t.noneDeleted}
      />
    </>
  );
}

/** The arrows go from row to row. */
function step(nav: EventTarget | null, by: 1 | -1): boolean {
  const rows = rowsIn(nav as HTMLElement);
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const to = at < 0 ? undefined : rows[at + by];
  to?.focus();
  return to !== undefined;
}

const rowsIn = (nav: HTMLElement | null): HTMLElement[] => [
  ...(nav?.querySelectorAll<HTMLElement>("[data-row]") ?? []),
];
