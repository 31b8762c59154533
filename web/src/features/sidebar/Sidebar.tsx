import { useQueryClient } from "@tanstack/react-query";
import { Archive, ArrowLeft, Search, SquarePen, Trash2 } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useRoute } from "wouter";
import { useText } from "../../i18n";
import { onKeys } from "../../ui/useKey";
import { useNotifications } from "../notifications/useNotifications";
import { palette } from "../search/opened";
import { Folders } from "./Folders";
import { known, type Session } from "./lists";
import { MoveDialog } from "./MoveDialog";
import { inNoFolder, type ListProps, SessionList } from "./SessionList";
import styles from "./Sidebar.module.css";
import { useHold } from "./useHold";
import { useListsByNotices } from "./useListsByNotices";
import { useNewChat } from "./useNewChat";
import { useRowActions } from "./useRowActions";
import { useTitleBadge } from "./useTitleBadge";

const ExportDialog = lazy(() => import("../transfer/ExportDialog"));

type Shown = "active" | "archived" | "deleted";

/** One's conversations, and the ways to a new one and to those that are not in sight. */
export function Sidebar({ onNavigate, toggle }: { onNavigate: () => void; toggle: ReactNode }) {
  const t = useText();
  const queries = useQueryClient();
  const [, params] = useRoute("/c/:id");
  const current = params?.id;
  const [shown, setShown] = useState<Shown>("active");
  const [focused, setFocused] = useState<string>();
  const [moving, setMoving] = useState<Session>();
  const [exported, setExported] = useState<Session>();
  const { hold, set, moved, over } = useHold();
  const newChat = useNewChat();
  useListsByNotices();
  useTitleBadge();
  useNotifications();

  const { sessions, rows: actions } = useRowActions({
    current,
    onNavigate,
    onMove: setMoving,
    onExport: setExported,
    hold: set,
    moved,
  });
  const list: ListProps = { current, focused, onFocus: setFocused, hold, actions };

  return (
    <nav
      aria-label={t.sidebar.conversations}
      className={styles.sidebar}
      onKeyDown={onKeys({
        ArrowDown: (event) => step(event.currentTarget, 1),
        ArrowUp: (event) => step(event.currentTarget, -1),
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
          <Active list={list} folder={currentFolder(current)} onShow={setShown} />
        ) : (
          <Aside shown={shown} list={list} onBack={() => setShown("active")} />
        )}
      </div>
      <MoveDialog
        session={moving}
        onClose={() => setMoving(undefined)}
        onMove={(session, folder) => {
          setMoving(undefined);
          if (folder !== session.folder) void sessions.move(session, folder);
        }}
      />
      {exported && (
        <Suspense>
          <ExportDialog session={exported} onClose={() => setExported(undefined)} />
        </Suspense>
      )}
    </nav>
  );

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
  const rows = [...((nav as HTMLElement).querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const to = at < 0 ? undefined : rows[at + by];
  to?.focus();
  return to !== undefined;
}
