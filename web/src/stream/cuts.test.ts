import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Live } from "./live";
import { Runs } from "./runs";
import { FakeGateway } from "./tests/fakeGateway";
import { log } from "./tests/fakeSocket";
import type { RunEvent } from "./wire";

let gateway: FakeGateway;
let live: Live;
let runs: Runs;

const tick = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);
const text = () => runs.get("run")?.text;

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  let issued = 0;
  live = new Live({
    open: () => gateway.open(),
    token: async () => `t${++issued}`,
    chance: () => 0.5,
  });
  runs = new Runs(live);
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

/** Numbers by chance that are the same in each run of the tests. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  "cut at random (%i), it is what an undisturbed reader has, and never anything else",
  async (seed) => {
    const random = chance(seed);
    const words = Array.from({ length: 40 }, (_, at) => `${at}${"，。 x\n"[at % 5]}`);
    const whole = words.join("");
    const events = log(words);
    const at = 2 + Math.floor(random() * 30);
    const known = words.slice(0, at).join("");
    events[at] = { seq: at + 1, event: "snapshot", data: { text: known, reasoning: "" } };
    gateway.logs.set("run", events);
    live.start();
    await tick();
    runs.watch("run", () => {
      expect(whole.startsWith(text() ?? "?")).toBe(true);
    });
    for (let step = 0; step < 3_000 && runs.get("run")?.status === "running"; step += 1) {
      const die = random();
      if (die < 0.6) gateway.step("run");
      else if (die < 0.7) gateway.cut([1006, 1012, 1013, 4401, 1001][step % 5] as number);
      else if (die < 0.75) gateway.swap("run");
      else if (die < 0.8) gateway.socket.event("run", events[step % events.length] as RunEvent);
      else if (die < 0.85) gateway.refusesSockets = !gateway.refusesSockets;
      else if (die < 0.9) live.wake();
      else if (die < 0.93) gateway.socket.hears = () => false;
      else await tick(random() * 15_000);
      await tick();
    }
    gateway.refusesSockets = false;
    expect(runs.get("run")).toMatchObject({ text: whole, status: "completed" });
  },
);
