import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Live } from "./live";
import type { RunState } from "./reducer";
import { Runs } from "./runs";
import { FakeGateway } from "./tests/fakeGateway";
import { log } from "./tests/fakeSocket";

const WORDS = Array.from({ length: 100 }, (_, at) => `${at} `.repeat(20));
const EACH = 20;

let gateway: FakeGateway;
let live: Live;
let runs: Runs;
let shown: RunState[];

const tick = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);
const last = () => shown.at(-1);

beforeEach(async () => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  gateway.logs.set("run", log(WORDS));
  live = new Live({ open: gateway.open, token: async () => "t", chance: () => 0.5 });
  runs = new Runs(live);
  live.start();
  await tick();
  shown = [];
  runs.watch("run", () => shown.push(runs.get("run") as RunState));
  await tick();
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

test("the beginning of a run is told with each frame, the rest a dozen times a second, the end at once", async () => {
  const rests: number[] = [];
  let toldAt = 0;
  for (let now = 0; gateway.step("run"); now += EACH) {
    const before = shown.length;
    await tick(EACH);
    const isTold = shown.length > before;
    if ((runs.get("run")?.text.length ?? 0) < 1_000) expect(isTold).toBe(true);
    else if (isTold) rests.push(now - toldAt);
    if (isTold) toldAt = now;
  }
  expect(Math.max(...rests)).toBeLessThanOrEqual(100);
  // A hundred words in two seconds.
  expect(rests.length).toBeGreaterThan(15);
  expect(rests.length).toBeLessThan(28);
  expect(last()).toMatchObject({ text: WORDS.join(""), status: "completed" });
});

test("a page that nobody sees is brought up to date four times a second", async () => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  let steps = 0;
  for (; steps < 100 && gateway.step("run"); steps += 1) await tick(EACH);
  expect(shown.length).toBeGreaterThan(5);
  expect(shown.length).toBeLessThan(12);
});
