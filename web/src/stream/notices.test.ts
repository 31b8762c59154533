import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keysOf } from "./cache";
import { Live } from "./live";
import { LiveRuns } from "./liveRuns";
import { Notices } from "./notices";
import { FakeSocket } from "./tests/fakeSocket";
import type { Notice } from "./wire";

const RUN = { runId: "r", sessionId: "s", questionId: "q", answerId: "a" };
const STARTED = {
  topic: "runs",
  change: "started",
  run_id: "r",
  session_id: "s",
  question_id: "q",
  answer_id: "a",
};
const ENDED = { topic: "runs", change: "ended", run_id: "r", session_id: "s", status: "completed" };
const ALL = { topic: "all", change: "read_again" };

const sockets: FakeSocket[] = [];
let live: Live;
let liveRuns: LiveRuns;
let heard: Notice[];
let list: () => Promise<(typeof RUN)[]>;

const socket = () => sockets.at(-1) as FakeSocket;
const tick = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(async () => {
  vi.useFakeTimers();
  sockets.length = 0;
  heard = [];
  list = vi.fn(async () => []);
  live = new Live({
    open: () => {
      sockets.push(new FakeSocket());
      return socket();
    },
    token: async () => "t",
    chance: () => 1,
  });
  const notices = new Notices(live);
  notices.listen((notice) => heard.push(notice));
  liveRuns = new LiveRuns(notices, () => list());
  live.start();
  await connected();
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

async function connected(): Promise<void> {
  await tick(500);
  socket().open();
  socket().ack(socket().last("auth"));
  await tick();
}

async function subscribed(): Promise<void> {
  socket().ack(socket().last("subscribe"), { cursor: "log-4" });
  await tick();
}

const says = (notice: object, cursor = "log-5") =>
  socket().says({ type: "notice", cursor, ...notice });

test("first all is read again, then each notice is told", async () => {
  expect(socket().last("subscribe")).not.toHaveProperty("after");
  await subscribed();
  expect(heard).toEqual([ALL]);
  says({ topic: "sessions", change: "changed", session_id: "s" });
  expect(heard.at(-1)).toMatchObject({ topic: "sessions", session_id: "s" });
});

test("after a reconnect it goes on behind the last notice, and nothing is read again", async () => {
  await subscribed();
  says(ENDED, "log-9");
  socket().ends(1006);
  await connected();
  expect(socket().last("subscribe")).toMatchObject({ after: "log-9" });
  socket().ack(socket().last("subscribe"));
  await tick();
  expect(heard.filter(({ topic }) => topic === "all")).toHaveLength(1);
});

test("before the first notice it goes on behind the cursor of the ack", async () => {
  await subscribed();
  socket().ends(1006);
  await connected();
  expect(socket().last("subscribe")).toMatchObject({ after: "log-4" });
});

test("while notices cannot be had they are asked for again", async () => {
  socket().refuse(socket().last("subscribe"), 503, "NOTICES_UNAVAILABLE", { retry_after: 3 });
  await tick(2_900);
  expect(socket().said.filter(({ type }) => type === "subscribe")).toHaveLength(1);
  await tick(100);
  await subscribed();
  expect(heard).toEqual([ALL]);
});

test("another user's cursor is not used", async () => {
  await subscribed();
  live.stop();
  live.start();
  await connected();
  expect(socket().last("subscribe")).not.toHaveProperty("after");
});

test("a run is live from its start to its end, on whichever screen it was asked", async () => {
  await subscribed();
  says(STARTED);
  expect(liveRuns.all.get("s")).toEqual({ ...RUN, live: true });
  says(ENDED);
  expect(liveRuns.all.get("s")).toEqual({ ...RUN, live: false, status: "completed" });
  says(STARTED);
  expect(liveRuns.all.get("s")?.live).toBe(false);
});

test("a run knows the one before it, whose answer may not be listed yet", async () => {
  await subscribed();
  const runs = ["1", "2", "3"].map((runId) => ({ ...RUN, runId }));
  for (const run of runs) {
    liveRuns.begun(run);
    liveRuns.begun(run);
    liveRuns.ended(run.runId, "failed");
  }
  const [, second, third] = runs;
  const ended = { live: false, status: "failed" };
  expect(liveRuns.all.get("s")).toEqual({ ...third, ...ended, before: { ...second, ...ended } });
});

test("what is heard while the list is read holds against it", async () => {
  let answer: (runs: (typeof RUN)[]) => void = () => {};
  list = () => new Promise((resolve) => (answer = resolve));
  await subscribed();
  says(STARTED);
  says(ENDED);
  answer([RUN]);
  await tick();
  expect(liveRuns.all.get("s")?.live).toBe(false);
});

test("a list read again ends what is not in it any more", async () => {
  list = async () => [RUN];
  await subscribed();
  expect(liveRuns.all.get("s")?.live).toBe(true);
  list = async () => [];
  says(ALL);
  await tick();
  expect(liveRuns.all.get("s")?.live).toBe(false);
});

test("what had ended before a list was read again is old: it may have been gone on with", async () => {
  await subscribed();
  says(STARTED);
  says(ENDED);
  expect(liveRuns.all.get("s")?.old).toBeUndefined();
  says(ALL);
  await tick();
  expect(liveRuns.all.get("s")).toMatchObject({ live: false, old: true });
});

test("a list that cannot be read is read later", async () => {
  list = vi.fn().mockRejectedValueOnce(new Error("away")).mockResolvedValue([RUN]);
  await subscribed();
  expect(liveRuns.all.size).toBe(0);
  await tick(5_000);
  expect(liveRuns.all.get("s")?.live).toBe(true);
});

test("a conversation that is deleted has no run", async () => {
  await subscribed();
  says(STARTED);
  says({ topic: "sessions", change: "deleted", session_id: "s" });
  expect(liveRuns.all.size).toBe(0);
});

test.each([
  ["sessions", "path"],
  ["sessions", "cleared"],
  ["sessions", "messages_deleted"],
  ["runs", "started"],
  ["runs", "ended"],
])("the messages are read again where %s says %s", (topic, change) => {
  expect(keysOf({ topic, change, session_id: "s" })).toContainEqual(["messages", "s"]);
});

test("a notice makes old what it is about, and what is not known nothing", () => {
  expect(keysOf(ENDED)).toEqual([
    ["session", "s"],
    ["messages", "s"],
  ]);
  expect(keysOf({ topic: "sessions", change: "changed", session_id: "s" })).toEqual([
    ["session", "s"],
  ]);
  expect(keysOf(ALL)).toEqual([["session"], ["messages"], ["shares"]]);
  expect(keysOf({ topic: "sessions", change: "shared", session_id: "s" })).toEqual([["shares"]]);
  expect(keysOf({ topic: "sessions", change: "deleted" })).toEqual([["session"], ["messages"]]);
  expect(keysOf({ topic: "weather", change: "changed", session_id: "s" })).toEqual([]);
});
