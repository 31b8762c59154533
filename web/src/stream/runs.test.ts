import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../api/errors";
import { Asks } from "./asks";
import { Live } from "./live";
import { LiveRuns } from "./liveRuns";
import { Notices } from "./notices";
import type { RunState } from "./reducer";
import { Runs } from "./runs";
import { FakeGateway } from "./tests/fakeGateway";
import { log } from "./tests/fakeSocket";
import type { RunEvent } from "./wire";

const WORDS = ["Once ", "upon ", "a ", "time，", "从前", "有座山", ", and ", "so ", "on", "."];
const WHOLE = WORDS.join("");

let gateway: FakeGateway;
let live: Live;
let runs: Runs;
let asks: Asks;
let token: () => Promise<string | null>;
let shown: (RunState | undefined)[];

const tick = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  let issued = 0;
  token = async () => `t${++issued}`;
  live = new Live({ open: gateway.open, token: () => token(), chance: () => 0.5 });
  const notices = new Notices(live);
  runs = new Runs(live);
  asks = new Asks(live, runs, new LiveRuns(notices, async () => []));
  shown = [];
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

async function watching(events: RunEvent[]): Promise<() => void> {
  gateway.logs.set("run", events);
  live.start();
  await tick();
  const leave = runs.watch("run", () => shown.push(runs.get("run")));
  await tick();
  return leave;
}

async function toTheEnd(): Promise<void> {
  for (let turn = 0; turn < 100 && runs.get("run")?.status === "running"; turn += 1) {
    gateway.step("run");
    await tick(1_000);
  }
}

test("a reader has what was said, and hears of it once a frame", async () => {
  await watching(log(WORDS));
  while (gateway.step("run"));
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
  expect(shown).toHaveLength(1);
});

test("it goes on behind the last event after each cut", async () => {
  await watching(log(WORDS));
  for (const code of [1006, 1012, 1013, 1001]) {
    gateway.step("run");
    gateway.step("run");
    gateway.cut(code);
    await tick(11_000);
    expect(gateway.socket.last("follow")).toMatchObject({ after: runs.get("run")?.seq });
  }
  await toTheEnd();
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
});

test("what comes in the wrong order is asked for again, and not shown", async () => {
  await watching(log(WORDS));
  gateway.step("run");
  gateway.swap("run");
  expect(runs.get("run")?.seq).toBe(2);
  await tick(1_000);
  await toTheEnd();
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
});

test("a run that ended while nobody listened is shown whole, from its snapshot", async () => {
  const events = log(WORDS);
  await watching(events);
  for (let step = 0; step < 4; step += 1) gateway.step("run");
  gateway.cut(1006);
  const end = events.at(-1) as RunEvent;
  gateway.logs.set("run", [
    { seq: end.seq - 1, event: "snapshot", data: { text: WHOLE, reasoning: "" } },
    end,
  ]);
  await tick(1_000);
  await toTheEnd();
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
});

test("an end that was never told is looked for once more, from the beginning", async () => {
  const events = log(WORDS);
  await watching(events.slice(0, -1));
  while (gateway.step("run"));
  gateway.cut(1006);
  const end = { ...(events.at(-1) as RunEvent), seq: 3 } as RunEvent;
  gateway.logs.set("run", [
    { seq: 2, event: "snapshot", data: { text: WHOLE, reasoning: "" } },
    end,
  ]);
  await tick(1_000);
  await toTheEnd();
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
});

test("a run that there is not any more is gone, with what was shown", async () => {
  await watching(log(WORDS));
  for (let step = 0; step < 3; step += 1) gateway.step("run");
  gateway.logs.delete("run");
  gateway.cut(1006);
  await tick(1_000);
  expect(runs.get("run")).toMatchObject({ text: "Once upon ", status: "gone" });
});

test("a run whose end comes as an ack is read from its beginning, once", async () => {
  const events = log(WORDS);
  await watching(events.slice(0, -1));
  while (gateway.step("run"));
  gateway.logs.set("run", events);
  const again = { type: "ack", ref: "r2", run_id: "run", ended: true };
  gateway.socket.says(again);
  await tick();
  expect(gateway.socket.last("follow")).toMatchObject({ after: 0 });
  gateway.socket.says(again);
  expect(runs.get("run")?.status).toBe("gone");
});

test("a follow that was superseded ends nothing: the newer one goes on", async () => {
  gateway.logs.set("run", log(WORDS));
  live.start();
  await tick();
  const { socket } = gateway;
  socket.hears = (frame) => {
    if (frame.type === "follow") queueMicrotask(() => socket.refuse(frame, 409, "SUPERSEDED"));
    return true;
  };
  runs.watch("run", () => {});
  await tick(5_000);
  for (const event of log(WORDS)) socket.event("run", event);
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
  expect(socket.said.filter(({ type }) => type === "follow")).toHaveLength(1);
});

test("a broken stream is followed again, over the same socket", async () => {
  await watching(log(WORDS));
  gateway.step("run");
  gateway.socket.refuse({ ref: "r1" }, 503, "STREAM_BROKEN", { run_id: "run" });
  await tick(1_000);
  await toTheEnd();
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
  expect(gateway.sockets).toHaveLength(1);
});

test("a question whose ack was lost is asked once, and read from its first event", async () => {
  gateway.logs.set("run", log(WORDS));
  live.start();
  await tick();
  gateway.socket.ack = () => gateway.cut(1006);
  const { begun } = asks.begin({ type: "send", content: "?" });
  await tick(1_000);
  await expect(begun).resolves.toMatchObject({ sessionId: "s", run: { id: "run" } });
  await toTheEnd();
  expect(gateway.asked).toHaveLength(1);
  expect(runs.get("run")).toMatchObject({ text: WHOLE, asked: true, questionId: "q" });
});

test("a question that was asked offline goes when the network is back", async () => {
  gateway.logs.set("run", log(WORDS));
  gateway.refusesSockets = true;
  live.start();
  const { begun } = asks.begin({ type: "send", content: "?" });
  await tick(20_000);
  gateway.refusesSockets = false;
  live.wake();
  await expect(begun).resolves.toMatchObject({ run: { id: "run" } });
});

test("a stop that is refused is told, and shown no longer", async () => {
  await watching(log(WORDS));
  gateway.socket.hears = (frame) => {
    if (frame.type === "cancel") gateway.socket.refuse(frame, 404, "RUN_NOT_FOUND");
    return true;
  };
  await expect(runs.stop("run")).rejects.toBeInstanceOf(ApiError);
  expect(runs.get("run")?.stopping).toBe(false);
});

test("a hidden page is brought up to date too", async () => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  await watching(log(WORDS));
  gateway.step("run");
  gateway.step("run");
  expect(shown).toHaveLength(0);
  await tick(250);
  expect(shown).toHaveLength(1);
  while (gateway.step("run"));
  expect(shown.at(-1)?.status).toBe("completed");
});
