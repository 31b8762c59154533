import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { events, fakeRequests, OpenStream } from "./tests/fakeRequests";
import { log } from "./tests/fakeSocket";

const WORDS = ["从前", "有座山", ", and ", "so on."];
const FOLLOW = "/api/v1/chat/runs/run/events?after=0";

let gateway: ReturnType<typeof fakeRequests>;
let opened: OpenStream;
const countOf = (path: string) => gateway.asked.filter((one) => one.path === path).length;

beforeEach(async () => {
  vi.useFakeTimers();
  gateway = fakeRequests();
  opened = new OpenStream();
  gateway.answers[`GET ${FOLLOW}`] = opened.response;
  gateway.live.start();
  await vi.waitFor(() => expect(gateway.live.state.status).toBe("open"));
});
afterEach(() => {
  gateway.live.stop();
  vi.useRealTimers();
});

/** So many seconds in which the gateway says that it is there, as it does each fifth. */
async function beats(seconds: number) {
  for (let at = 0; at < seconds; at += 5) {
    opened.say(": \n\n");
    await vi.advanceTimersByTimeAsync(5_000);
  }
}

async function answered() {
  opened.say(events(log(WORDS)));
  opened.end();
  await vi.advanceTimersByTimeAsync(0);
}

test("a stream that comes byte by byte says what it says in one piece", async () => {
  gateway.runs.watch("run", () => {});
  await vi.advanceTimersByTimeAsync(0);
  for (const byte of new TextEncoder().encode(events(log(WORDS))))
    opened.say(new Uint8Array([byte]));
  opened.end();
  await vi.advanceTimersByTimeAsync(0);
  await vi.waitFor(() => expect(gateway.runs.get("run")?.status).toBe("completed"));
  expect(gateway.runs.get("run")?.text).toBe(WORDS.join(""));
});

test("a model may think for long: the stream is kept while the gateway says that it is there", async () => {
  gateway.runs.watch("run", () => {});
  await beats(60);
  expect(countOf(FOLLOW)).toBe(1);
  expect(opened.left).not.toHaveBeenCalled();
});

test("a stream on which nothing is said any more is followed anew", async () => {
  gateway.runs.watch("run", () => {});
  await beats(20);
  expect(countOf(FOLLOW)).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(opened.left).toHaveBeenCalledOnce();
  expect(countOf(FOLLOW)).toBe(2);
});

test("a run that one has left is not streamed any more, however silent it is", async () => {
  const leave = gateway.runs.watch("run", () => {});
  await beats(10);
  leave();
  await beats(55);
  expect(opened.left).not.toHaveBeenCalled();
  await beats(10);
  expect(opened.left).toHaveBeenCalledOnce();
  expect(countOf(FOLLOW)).toBe(1);
});

test("where something is streaming at ten minutes, sockets are tried again once it has ended", async () => {
  gateway.runs.watch("run", () => {});
  await beats(630);
  await answered();
  expect(gateway.runs.get("run")?.status).toBe("completed");
  expect(countOf("/api/v1/me")).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(countOf("/api/v1/me")).toBe(2);
});
