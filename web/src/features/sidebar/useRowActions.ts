import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { useLocation } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { liveRuns, runs } from "../../stream";
import { tell } from "../../ui/tell";
import { SessionActions } from "./actions";
import type { Session } from "./lists";
import type { RowActions } from "./rowActions";

interface Around {
  /** The conversation that is shown. */
  current: string | undefined;
  onNavigate: () => void;
  onMove: (session: Session) => void;
  onChoose: (session: Session) => void;
  onExport: (session: Session) => void;
  hold: RowActions["hold"];
  /** Lets the lists move by what was done. */
  moved: () => void;
}

/** What rows do: the same functions all the time, so that a row is drawn only for what is its own. */
export function useRowActions(around: Around) {
  const queries = useQueryClient();
  const t = useText();
  const [, go] = useLocation();
  const latest = useRef({ ...around, go });
  useEffect(() => {
    latest.current = { ...around, go };
  });
  const { hold, moved, onMove, onExport, onChoose } = around;

  return useMemo(() => {
    const sessions = new SessionActions(queries, t, moved);
    /** Who looks at it is led away, and back if it stays. */
    const leave = async (leaving: readonly Session[], done: Promise<readonly Session[]>) => {
      const { current, go } = latest.current;
      const shown = leaving.find(({ id }) => id === current);
      if (shown === undefined) return;
      go(routes.home);
      if (!(await done).includes(shown)) go(routes.chat(shown.id));
    };
    const archive = (all: readonly Session[]) => void leave(all, sessions.archive(all));
    const remove = (all: readonly Session[]) => void leave(all, sessions.remove(all));
    const rows: RowActions = {
      hold,
      move: onMove,
      exportIt: onExport,
      stop: async ({ id }) => {
        const run = liveRuns.all.get(id);
        if (run?.live) await runs.stop(run.runId).catch((error: unknown) => tell(error, t));
      },
      open: () => latest.current.onNavigate(),
      rename: (session, title) => void sessions.rename(session, title),
      pin: (session, pinned) => void sessions.pin(session, pinned),
      choose: onChoose,
      archive: (session) => archive([session]),
      unarchive: (session) => void sessions.unarchive([session]),
      remove: (session) => remove([session]),
      restore: (session) => void sessions.restore([session]),
      removeForGood: (session) => sessions.removeForGood(session),
    };
    return { sessions, rows, archive, remove };
  }, [queries, t, hold, moved, onMove, onExport, onChoose]);
}
