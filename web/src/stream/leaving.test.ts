import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Asks } from "./asks";
import { Live } from "./live";
import { LiveRuns } from "./liveRuns";
import { Notices } from "./notices";
import { Runs } from "./runs";
import { FakeGateway } from "./tests/fakeGateway";
import { log } from "./tests/fakeSocket";

const WORDS = ["Once ", "upon ", "a ", "time，", "从前", "有座山", ", and ", "so ", "on", "."];
const WHOLE = WORDS.join("");

let gateway: FakeGateway;
let live: Live;
let runs: Runs;

const tick = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);
const text = () => runs.get("run")?.text;

beforeEach(async () => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  gateway.logs.set("run", log(WORDS));
  live = new Live({ open: gateway.open, token: async () => "t", chance: () => 0.5 });
  runs = new Runs(live);
  live.start();
  await tick();
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

/** Somebody looks at the run; gives what ends that. */
async function watching(): Promise<() => void> {
  const leave = runs.watch("run", () => {});
  await tick();
  return leave;
}

/** The rest of the run, an event each `milliseconds`. */
async function toTheEnd(milliseconds = 1_000): Promise<void> {
  for (let turn = 0; turn < 100 && runs.get("run")?.status === "running"; turn += 1) {
    gateway.step("run");
    await tick(milliseconds);
  }
}

test("an answer to one's own question is followed for as long as it takes", async () => {
  const asks = new Asks(live, runs, new LiveRuns(new Notices(live), async () => []));
  const { begun } = asks.begin({ type: "send", content: "?" });
  await tick();
  await begun;
  await watching();
  await toTheEnd(10_000);
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
  expect(gateway.socket.last("unfollow")).toBeUndefined();
});

test("who comes back within the minute stays", async () => {
  const leave = await watching();
  gateway.step("run");
  leave();
  await tick(30_000);
  await watching();
  await toTheEnd(10_000);
  expect(runs.get("run")).toMatchObject({ text: WHOLE, status: "completed" });
  expect(gateway.socket.last("unfollow")).toBeUndefined();
});

test("nobody looks any more: it is left after a minute, and read again by who comes back", async () => {
  const leave = await watching();
  gateway.step("run");
  gateway.step("run");
  leave();
  await tick(59_000);
  expect(text()).toBe("Once ");
  await tick(1_000);
  expect(text()).toBeUndefined();
  expect(gateway.step("run")).toBe(true);
  expect(text()).toBeUndefined();
  runs.watch("run", () => {});
  await toTheEnd();
  expect(text()).toBe(WHOLE);
});

test("who comes back while it is being left follows it, and the refused leaving breaks nothing", async () => {
  const leave = await watching();
  leave();
  await tick(59_000);
  const { socket } = gateway;
  const hears = socket.hears;
  socket.hears = (frame) => {
    if (frame.type !== "unfollow") return hears(frame);
    queueMicrotask(() => socket.refuse(frame, 409, "SUPERSEDED"));
    return true;
  };
  await tick(1_000);
  expect(socket.last("unfollow")).toBeDefined();
  runs.watch("run", () => {});
  await tick();
  await toTheEnd();
  expect(text()).toBe(WHOLE);
});
