import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../api/errors";
import { Live, type Surroundings } from "./live";
import { Withdrawn } from "./requests";
import { FakeSocket } from "./tests/fakeSocket";

const sockets: FakeSocket[] = [];
let token: Surroundings["token"];
let live: Live;

const socket = () => sockets.at(-1) as FakeSocket;
const tick = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(() => {
  vi.useFakeTimers();
  sockets.length = 0;
  token = vi.fn(async () => "t1");
  live = new Live({
    open: () => {
      sockets.push(new FakeSocket());
      return socket();
    },
    token: (refused) => token(refused),
    chance: () => 1,
  });
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

async function connected(): Promise<FakeSocket> {
  live.start();
  await tick();
  return answered();
}

async function answered(): Promise<FakeSocket> {
  socket().open();
  socket().ack(socket().last("auth"));
  await tick();
  return socket();
}

const QUESTION = { type: "send", content: "?", idempotency_key: "k" } as const;

test("the token is the first word, and nothing else is said before it was taken", async () => {
  const { answer } = live.ask(QUESTION);
  live.start();
  await tick();
  socket().open();
  expect(socket().said).toEqual([{ type: "auth", token: "t1", ref: "auth" }]);
  expect(live.state.status).toBe("connecting");
  socket().ack(socket().last("auth"));
  expect(live.state).toEqual({ status: "open", lostAt: null });
  expect(socket().last("send")).toMatchObject(QUESTION);
  socket().ack(socket().last("send"), { run_id: "run" });
  await expect(answer).resolves.toMatchObject({ run_id: "run" });
});

test("what was not answered is sent again with the next connection, under the same key", async () => {
  const first = await connected();
  const { answer } = live.ask(QUESTION);
  expect(first.last("send")).toMatchObject(QUESTION);
  first.ends(1006);
  expect(live.state.status).toBe("waiting");
  await tick(500);
  const second = await answered();
  expect(second).not.toBe(first);
  expect(second.last("send")).toMatchObject(QUESTION);
  second.ack(second.last("send"), { run_id: "run" });
  await expect(answer).resolves.toMatchObject({ run_id: "run" });
});

test("what is only away for the moment is asked again, and told after 20 seconds", async () => {
  const { said } = await connected();
  const { answer } = live.ask(QUESTION);
  const told = expect(answer).rejects.toBeInstanceOf(ApiError);
  for (let second = 0; second < 21; second += 1) {
    socket().refuse(socket().last("send"), 503, "CHAT_UNAVAILABLE", { retry_after: 1 });
    await tick(1000);
  }
  await told;
  expect(said.filter((frame) => frame.type === "send")).toHaveLength(21);
});

test.each([401, 429, 502, 503, 504])("what passes (%i) is asked again soon", async (status) => {
  const reason = status === 429 ? "TOO_MANY_AT_ONCE" : "UNKNOWN";
  const { said } = await connected();
  const { answer } = live.ask(QUESTION);
  socket().refuse(socket().last("send"), status, reason);
  await tick(1_000);
  expect(said.filter(({ type }) => type === "send")).toHaveLength(2);
  socket().ack(socket().last("send"), { run_id: "run" });
  await expect(answer).resolves.toMatchObject({ run_id: "run" });
});

test("what is away for longer than that is told at once", async () => {
  await connected();
  const { answer } = live.ask(QUESTION);
  socket().refuse(socket().last("send"), 503, "CHAT_UNAVAILABLE", { retry_after: 60 });
  await expect(answer).rejects.toMatchObject({ status: 503, retryAfter: 60 });
});

test("how long it lay here before it was sent does not count", async () => {
  const { answer } = live.ask(QUESTION);
  await tick(60_000);
  await connected();
  socket().refuse(socket().last("send"), 503, "CHAT_UNAVAILABLE");
  await tick(1_000);
  socket().ack(socket().last("send"), { run_id: "run" });
  await expect(answer).resolves.toMatchObject({ run_id: "run" });
});

test.each([403, 409, 422, 429, 500])("a refusal (%i) is told at once", async (status) => {
  await connected();
  const { answer } = live.ask(QUESTION);
  socket().refuse(socket().last("send"), status, "REFUSED");
  await expect(answer).rejects.toMatchObject({ status, reason: "REFUSED" });
});

test("a token that was refused is not shown again", async () => {
  token = vi.fn(async (refused) => (refused === "t1" ? "t2" : "t1"));
  const first = await connected();
  first.ends(4401);
  await tick();
  socket().open();
  expect(socket().last("auth")).toMatchObject({ token: "t2" });
});

test("nobody is logged in any more: it rests, and goes on when somebody is", async () => {
  await connected();
  const { answer } = live.ask(QUESTION);
  token = vi.fn(async () => null);
  socket().ends(4401);
  await tick();
  expect(live.state).toEqual({ status: "off", lostAt: null });
  token = vi.fn(async () => "t3");
  live.start();
  await tick();
  await answered();
  socket().ack(socket().last("send"), { run_id: "run" });
  await expect(answer).resolves.toMatchObject({ run_id: "run" });
});

test("log-out gives up what waits", async () => {
  await connected();
  const { answer } = live.ask(QUESTION);
  live.stop();
  await expect(answer).rejects.toBeInstanceOf(Withdrawn);
  expect(socket().closed).toBe(true);
});

test("a new token is shown before the old one ends, over the same connection", async () => {
  const first = await connected();
  token = vi.fn(async () => "t2");
  await tick(10_000);
  expect(first.last("auth")).toMatchObject({ token: "t2" });
  expect(sockets).toHaveLength(1);
});

test("a token that cannot be had now is asked for again", async () => {
  token = vi
    .fn()
    .mockRejectedValueOnce(new ApiError({ status: 0 }))
    .mockResolvedValue("t1");
  live.start();
  await tick();
  expect(live.state.status).toBe("waiting");
  await tick(500);
  await answered();
  expect(live.state.status).toBe("open");
});

test("silence is asked about, and twelve seconds of it end a busy connection", async () => {
  const first = await connected();
  const { answer } = live.ask(QUESTION);
  await tick(5_000);
  expect(first.last("ping")).toBeDefined();
  await tick(6_000);
  expect(first.closed).toBe(false);
  await tick(1_000);
  expect(first.closed).toBe(true);
  expect(live.state.status).toBe("waiting");
  await tick(500);
  await answered();
  socket().ack(socket().last("send"), { run_id: "run" });
  await answer;
});

test("an idle connection is asked seldom, and kept by its answers", async () => {
  const first = await connected();
  first.hears = (frame) => {
    if (frame.type === "ping") queueMicrotask(() => first.says({ type: "pong", ref: frame.ref }));
    return true;
  };
  await tick(120_000);
  const pings = first.said.filter((frame) => frame.type === "ping").length;
  expect(pings).toBeGreaterThanOrEqual(4);
  expect(pings).toBeLessThanOrEqual(5);
  expect(live.state.status).toBe("open");
});

test("who comes back does not wait: a dead connection is found in three seconds", async () => {
  const first = await connected();
  live.wake();
  expect(first.last("ping")).toBeDefined();
  await tick(4_000);
  expect(first.closed).toBe(true);
});

test("the network is back: it is not waited for the next attempt", async () => {
  await connected();
  for (let failures = 0; failures < 6; failures += 1) {
    socket().ends(1006);
    await tick(10_000);
  }
  socket().ends(1006);
  const before = sockets.length;
  await tick(100);
  expect(sockets).toHaveLength(before);
  live.wake();
  await tick();
  expect(sockets).toHaveLength(before + 1);
});

test("a socket that never opens is given up after ten seconds", async () => {
  live.start();
  await tick();
  const first = socket();
  await tick(11_000);
  expect(first.closed).toBe(true);
  expect(sockets.length).toBeGreaterThan(1);
});

test("since when there is no connection is known, over all attempts", async () => {
  await connected();
  const lostAt = Date.now();
  socket().ends(1006);
  await tick(500);
  socket().ends(1006);
  await tick(500);
  expect(live.state.lostAt).toBe(lostAt);
  await tick(10_000);
  await answered();
  expect(live.state.lostAt).toBeNull();
});
