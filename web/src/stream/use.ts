import { useEffect, useReducer, useState, useSyncExternalStore } from "react";
import { flushSync } from "react-dom";
import { live, liveRuns, notices, runs } from ".";
import type { LiveState } from "./live";
import type { SessionRun, SessionRuns } from "./liveRuns";
import type { NoticeListener } from "./notices";
import type { RunState } from "./reducer";

/** A run as it is written, followed for as long as somebody uses it; undefined: none, or not yet. */
export function useRun(runId: string | null | undefined): RunState | undefined {
  // By useSyncExternalStore each of an answer's updates would have passive effects, for which React
  // schedules a task of its own.
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!runId) return;
    const leave = runs.watch(runId, () => flushSync(again));
    // Something may have come since it was drawn.
    again();
    return leave;
  }, [runId]);
  return runId ? runs.get(runId) : undefined;
}

/** All conversations' runs that are live, or were the last ones while this page was open. */
export function useSessionRuns(): SessionRuns {
  return useSyncExternalStore(liveRuns.subscribe, () => liveRuns.all);
}

/** The run of a conversation that is live, or the last one that was while this page was open. */
export function useSessionRun(sessionId: string | null | undefined): SessionRun | undefined {
  return useSyncExternalStore(liveRuns.subscribe, () =>
    sessionId ? liveRuns.all.get(sessionId) : undefined,
  );
}

export function useLive(): LiveState {
  return useSyncExternalStore(live.subscribe, () => live.state);
}

/** Whether there has been no connection for so long that it should be said. */
export function useReconnecting(after = 2_000): boolean {
  const { lostAt } = useLive();
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (lostAt === null) return;
    const timer = setTimeout(() => setLate(true), Math.max(0, lostAt + after - Date.now()));
    return () => clearTimeout(timer);
  }, [lostAt, after]);
  return late;
}

/** Hears each notice. */
export function useNotices(listener: NoticeListener): void {
  useEffect(() => notices.listen(listener), [listener]);
}
