import type { Schema } from "../api";
import { ApiError } from "../api/errors";
import { forgetTab, forgetUser, readStored, writeStored } from "../ui/storage";
import { type Grant, logInWith, logOutBy, refreshByCookie, registerWith } from "./requests";

export type User = Schema<"User">;

/**
 * starting: nobody knows yet. in: logged in. out: nobody is.
 * lapsed: was logged in, and the server no longer takes it; the page stays as it is below.
 */
export interface SessionState {
  status: "starting" | "in" | "out" | "lapsed";
  user: User | undefined;
  /** Whether the server could not be reached when the session was last asked for. */
  unreachable: boolean;
}

// When it happened goes along: tabs hear one another in no order.
type Message = { at: number } & ({ kind: "grant"; grant: Grant; until: number } | { kind: "out" });

// So long before its end a token is not used any more: a request and a clock take their time.
const MARGIN = 20_000;
const LOCK = "parley.refresh";
// What a refresh is told whose token is of no use any more, and one that has none: its cookie has run out, or
// was taken away.
const ENDED = new Set([401, 422]);

/** Makes the session of this page. Its tokens live in memory only; the cookie is the browser's. */
export function createSession(
  channel: Pick<BroadcastChannel, "postMessage" | "onmessage">,
  locks: Pick<LockManager, "request"> | undefined = navigator.locks,
) {
  let state: SessionState = { status: "starting", user: undefined, unreachable: false };
  let token: string | undefined;
  let until = 0;
  let changedAt = 0;
  let refreshing: Promise<string | undefined> | undefined;
  const listeners = new Set<() => void>();
  const endListeners = new Set<() => void>();

  function set(next: Partial<SessionState>) {
    state = { ...state, ...next };
    for (const listener of [...listeners]) listener();
  }

  function take(grant: Grant, end: number) {
    const before = state.user ?? remembered();
    // The page holds what belongs to another: it begins anew.
    if (state.status !== "starting" && state.status !== "out" && before?.id !== grant.user.id) {
      location.assign("/");
      return;
    }
    if (before?.id !== grant.user.id) forgetUser();
    token = grant.access_token;
    until = end;
    writeStored("user", JSON.stringify({ id: grant.user.id, username: grant.user.username }));
    set({ status: "in", user: grant.user, unreachable: false });
  }

  function granted(grant: Grant) {
    changedAt = Date.now();
    const until = changedAt + grant.expires_in * 1000;
    take(grant, until);
    tell({ kind: "grant", grant, until, at: changedAt });
  }

  function end() {
    token = undefined;
    until = 0;
    for (const listener of [...endListeners]) listener();
    forgetUser();
    forgetTab();
    set({ status: "out", user: undefined, unreachable: false });
  }

  function endEverywhere() {
    changedAt = Date.now();
    tell({ kind: "out", at: changedAt });
    end();
  }

  function tell(message: Message) {
    channel.postMessage(message);
  }

  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === "out" ? data.at < changedAt : data.at <= changedAt) return;
    changedAt = data.at;
    if (data.kind === "out") end();
    else take(data.grant, data.until);
  };

  /** One refresh at a time, over all tabs; a token that another tab fetched meanwhile will do. */
  function refresh(refused: string | undefined): Promise<string | undefined> {
    refreshing ??= exclusively(async () => {
      if (token !== undefined && token !== refused && Date.now() < until - MARGIN) return token;
      try {
        granted(await refreshByCookie());
        return token;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!ENDED.has(error.status)) {
          set({ unreachable: true });
          throw error;
        }
        token = undefined;
        if (state.status === "in") set({ status: "lapsed", unreachable: false });
        // Not logged out by anybody: drafts wait for whoever comes back.
        if (state.status === "starting") set({ status: "out", unreachable: false });
        return undefined;
      }
    }).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    return locks === undefined ? work() : (locks.request(LOCK, work) as Promise<T>);
  }

  return {
    state: () => state,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Hears the log-out, here or in another tab: what is kept for the user goes. */
    onEnd(listener: () => void) {
      endListeners.add(listener);
      return () => void endListeners.delete(listener);
    },
    /** The token to send; undefined when nobody is logged in. Throws ApiError when unreachable. */
    async current(): Promise<string | undefined> {
      if (state.status === "out" || state.status === "lapsed") return undefined;
      if (token !== undefined && Date.now() < until - MARGIN) return token;
      return refresh(token);
    },
    renew: (refused: string) =>
      token !== undefined && token !== refused ? Promise.resolve(token) : refresh(refused),
    /** Finds out who is logged in, by the cookie. Whoever never was is not asked about. */
    async start(): Promise<void> {
      if (remembered() === undefined) return set({ status: "out" });
      await refresh(undefined);
    },
    async logIn(username: string, password: string): Promise<void> {
      granted(await logInWith(username, password));
    },
    async register(given: Omit<Schema<"Registration">, "use_cookie">): Promise<void> {
      granted(await registerWith(given));
    },
    /** Ends the login at the server, then here and in all tabs. Throws ApiError if that failed. */
    async logOut(): Promise<void> {
      await exclusively(() => logOutBy(token));
      endEverywhere();
    },
    /** The login is gone at the server: everything here follows, in all tabs. */
    ended(): void {
      endEverywhere();
    },
  };
}

/** Who was last logged in with this browser: so drafts are found before the server answers. */
export function remembered(): Pick<User, "id" | "username"> | undefined {
  try {
    return JSON.parse(readStored("user") ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}
