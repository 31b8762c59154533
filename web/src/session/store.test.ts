import { beforeEach, expect, test, vi } from "vitest";
import { authorisedFetch, takeTokensFrom } from "../api";
import { startUntilReached } from "./start";
import { createSession, remembered } from "./store";

const ADA = { id: "u1", username: "ada" };

/** The auth routes as a scripted server has them: each refresh token is good once. */
class Server {
  readonly asked: string[] = [];
  tokens = 0;
  refreshing = 0;
  most = 0;
  /** What answers a refresh in place of a grant. */
  refusal: Response | undefined;
  away = false;
  user = ADA;

  readonly fetch = vi.fn(async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(
      new URL(String((input as Request).url ?? input), location.href),
      init,
    );
    const path = new URL(request.url).pathname.replace("/api/v1", "");
    this.asked.push(path);
    if (this.away) throw new TypeError("Failed to fetch");
    if (path === "/auth/refresh") {
      this.most = Math.max(this.most, ++this.refreshing);
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.refreshing--;
      return this.refusal?.clone() ?? this.grant();
    }
    if (path === "/auth/login") return this.grant();
    if (path === "/auth/logout") return new Response(null, { status: 204 });
    const bearer = (input as Request).headers.get("Authorization");
    return Response.json({ bearer }, { status: bearer === `Bearer t${this.tokens}` ? 200 : 401 });
  });

  grant() {
    return Response.json({ user: this.user, access_token: `t${++this.tokens}`, expires_in: 300 });
  }
}

/** Web Locks of one origin: whoever asks waits for those before. */
function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve();
  const request = (_name: string, work: () => Promise<unknown>) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
  return { request } as unknown as LockManager;
}

let server: Server;
let locks: LockManager;
let name = 0;

beforeEach(() => {
  server = new Server();
  locks = oneAtATime();
  name += 1;
  localStorage.clear();
  vi.stubGlobal("fetch", server.fetch);
});

const tab = () => createSession(new BroadcastChannel(`test.${name}`), locks);
const wereHere = () => localStorage.setItem("parley.user", JSON.stringify(ADA));
const unauthenticated = () =>
  Response.json({ status: 401, reason: "INVALID_REFRESH_TOKEN" }, { status: 401 });

test("whoever was never here is not asked about", async () => {
  const session = tab();
  await session.start();
  expect(session.state().status).toBe("out");
  expect(server.asked).toEqual([]);
});

test("whoever was here is let in by the cookie, and the token is used until it ends", async () => {
  wereHere();
  const session = tab();
  await session.start();
  expect(session.state()).toMatchObject({ status: "in", user: ADA });
  expect([await session.current(), await session.current()]).toEqual(["t1", "t1"]);
  vi.useFakeTimers({ now: Date.now() + 290_000, toFake: ["Date"] });
  expect(await session.current()).toBe("t2");
  vi.useRealTimers();
  expect(server.asked).toEqual(["/auth/refresh", "/auth/refresh"]);
});

test("many that want a token in two tabs refresh one at a time, and each tab at most once", async () => {
  wereHere();
  const [one, other] = [tab(), tab()];
  const all = await Promise.all([one, one, other, other, one].map((each) => each.current()));
  expect(server.most).toBe(1);
  expect(server.asked.length).toBeLessThanOrEqual(2);
  expect(all.every(Boolean)).toBe(true);
});

test("a token that another tab fetched is taken without a request", async () => {
  wereHere();
  const [one, other] = [tab(), tab()];
  await one.start();
  await vi.waitFor(() => expect(other.state().status).toBe("in"));
  expect(await other.current()).toBe("t1");
  expect(server.asked).toEqual(["/auth/refresh"]);
});

test("a refused token is renewed once, and the request goes again with its body", async () => {
  wereHere();
  const session = tab();
  takeTokensFrom(session);
  await session.start();
  server.tokens = 7; // The server no longer takes what it gave.
  const answer = await authorisedFetch(
    new Request(new URL("/api/v1/notes", location.href), { method: "POST", body: "{}" }),
  );
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ bearer: "Bearer t8" });
  expect(server.asked).toEqual(["/auth/refresh", "/notes", "/auth/refresh", "/notes"]);
});

test("a login that ended at the server lapses: the user is still known, nothing is sent", async () => {
  wereHere();
  const session = tab();
  await session.start();
  const ended = vi.fn();
  session.onEnd(ended);
  server.refusal = unauthenticated();
  expect(await session.renew("t1")).toBeUndefined();
  expect(session.state()).toMatchObject({ status: "lapsed", user: ADA });
  const before = server.asked.length;
  expect(await session.current()).toBeUndefined();
  expect(server.asked).toHaveLength(before);
  expect(ended).not.toHaveBeenCalled();
  await session.logIn("ada", "a long enough secret");
  expect(session.state().status).toBe("in");
});

test("a server that is away lets nobody out, and is asked again until it is there", async () => {
  wereHere();
  const session = tab();
  server.away = true;
  const started = startUntilReached(session.start);
  await vi.waitFor(() => expect(session.state().unreachable).toBe(true));
  expect(session.state().status).toBe("starting");
  server.away = false;
  dispatchEvent(new Event("online"));
  await started;
  expect(session.state()).toMatchObject({ status: "in", unreachable: false });
});

test("logging out ends it in all tabs, and forgets who was here", async () => {
  wereHere();
  const [one, other] = [tab(), tab()];
  await Promise.all([one.start(), other.start()]);
  const ended = vi.fn();
  other.onEnd(ended);
  await one.logOut();
  await vi.waitFor(() => expect(other.state().status).toBe("out"));
  expect(one.state().status).toBe("out");
  expect(ended).toHaveBeenCalled();
  expect(localStorage.getItem("parley.user")).toBeNull();
  expect(await other.current()).toBeUndefined();
});

test("what happened last holds, in whatever order tabs hear of it", () => {
  type Channel = Parameters<typeof createSession>[0];
  const channel: Channel = { postMessage: () => undefined, onmessage: null };
  const session = createSession(channel, locks);
  const hears = (kind: "grant" | "out", at: number) => {
    const grant = { user: ADA, access_token: "t", expires_in: 300 };
    const message = { data: { kind, at, grant, until: Date.now() + 300_000 } };
    channel.onmessage?.call({} as BroadcastChannel, message as MessageEvent);
    return [session.state().status, remembered()?.id];
  };
  expect(hears("out", 2)).toEqual(["out", undefined]);
  expect(hears("grant", 1)).toEqual(["out", undefined]);
  expect(hears("grant", 4)).toEqual(["in", "u1"]);
  expect(hears("out", 3)).toEqual(["in", "u1"]);
});

test("with the log-out goes all that was the user's, and nothing of the device's", async () => {
  wereHere();
  const session = tab();
  await session.start();
  for (const name of ["parley.draft.u1.new", "parley.choices", "parley.theme", "another.page"])
    localStorage.setItem(name, "x");
  await session.logOut();
  expect(Object.keys(localStorage).sort()).toEqual(["another.page", "parley.theme"]);
});

test("whoever comes back without a cookie is asked to log in", async () => {
  wereHere();
  server.refusal = Response.json({ reason: "VALIDATION" }, { status: 422 });
  const session = tab();
  await startUntilReached(session.start);
  expect(session.state()).toMatchObject({ status: "out", unreachable: false });
});

test("a login that ran out while nobody was here costs no draft, unless somebody else comes", async () => {
  wereHere();
  localStorage.setItem("parley.draft.u1.new", "half a thought");
  server.refusal = unauthenticated();
  const session = tab();
  await session.start();
  expect(session.state().status).toBe("out");
  expect(remembered()).toEqual(ADA);
  await session.logIn("ada", "a long enough secret");
  expect(localStorage.getItem("parley.draft.u1.new")).toBe("half a thought");

  const later = tab();
  await later.start();
  server.user = { id: "u2", username: "bob" };
  await later.logIn("bob", "a long enough secret");
  expect(localStorage.getItem("parley.draft.u1.new")).toBeNull();
  expect(remembered()).toMatchObject({ id: "u2" });
});

test("a log-out that did not reach the server is none", async () => {
  wereHere();
  const session = tab();
  await session.start();
  server.away = true;
  await expect(session.logOut()).rejects.toMatchObject({ status: 0, reason: "OFFLINE" });
  expect(session.state().status).toBe("in");
});

test("a page of one user begins anew when the cookie has become another's", async () => {
  wereHere();
  const session = tab();
  await session.start();
  const assign = vi.spyOn(location, "assign").mockImplementation(() => undefined);
  server.user = { id: "u2", username: "bob" };
  await session.renew("t1");
  expect(assign).toHaveBeenCalledWith("/");
  expect(session.state().user).toEqual(ADA);
});

test("no token is ever stored", async () => {
  wereHere();
  const session = tab();
  await session.start();
  expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain("t1");
});
