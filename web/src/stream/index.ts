import { api, ok } from "../api";
import { session } from "../session";
import { Asks } from "./asks";
import { doors } from "./doors";
import { HttpTransport } from "./httpTransport";
import { Live } from "./live";
import { LiveRuns } from "./liveRuns";
import { Notices } from "./notices";
import { Runs } from "./runs";

export { type Begun, newKey } from "./asks";
export { readAgainAsTold } from "./cache";
export type { SessionRun } from "./liveRuns";
export type { RunState } from "./reducer";
export { Withdrawn } from "./requests";
export type { Asking, Notice, Problem } from "./wire";

function socket(): WebSocket {
  const address = new URL("/api/v1/ws", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address);
}

async function isReachable(): Promise<boolean> {
  try {
    return (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

const open = doors(socket, () => new HttpTransport(), isReachable);

async function token(refused?: string): Promise<string | null> {
  const good = refused === undefined ? session.current() : session.renew(refused);
  return (await good) ?? null;
}

async function listLive() {
  const { items } = await ok(api.GET("/api/v1/chat/runs", { params: { query: { live: "true" } } }));
  return items.flatMap(({ id, session_id, question_id, answer_id }) =>
    session_id && question_id && answer_id
      ? [{ runId: id, sessionId: session_id, questionId: question_id, answerId: answer_id }]
      : [],
  );
}

/** The one connection of this page. */
export const live = new Live({ open, token });
export const notices = new Notices(live);
export const runs = new Runs(live);
export const liveRuns = new LiveRuns(notices, listLive);
/** Puts questions; each answers with the run that it began. */
export const asks = new Asks(live, runs, liveRuns);

runs.onEnd(({ runId, status }) => liveRuns.ended(runId, status));
live.add({ stopped: () => liveRuns.clear() });

function goBySession(): void {
  switch (session.state().status) {
    case "in":
      live.start();
      break;
    case "out":
      live.stop();
      break;
    default:
      live.suspend();
  }
}

/** Connects while somebody is logged in, and at once when the network or the reader is back. */
export function startLive(): void {
  session.subscribe(goBySession);
  goBySession();
  window.addEventListener("online", () => live.wake());
  window.addEventListener("pageshow", () => live.wake());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) live.wake();
  });
}
