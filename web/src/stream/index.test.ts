import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { session } from "../session";
import { asks, live, notices, startLive, Withdrawn } from ".";
import { FakeSocket } from "./tests/fakeSocket";

const ADA = { id: "u1", username: "ada" };
const ONCE = { type: "send", content: "of the first", idempotency_key: "k" } as const;

let sockets: FakeSocket[];
let state: { status: "starting" | "in" | "out" | "lapsed" };
let changed: () => void;

const tick = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);
const socket = () => sockets.at(-1) as FakeSocket;

async function becomes(status: typeof state.status) {
  state = { status };
  changed();
  await tick();
}

/** Somebody logs in, and all that is connected then is. */
async function logsIn() {
  await becomes("in");
  socket().open();
  socket().ack(socket().last("auth"));
  await tick();
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  state = { status: "starting" };
  vi.stubGlobal(
    "WebSocket",
    class extends FakeSocket {
      constructor() {
        super();
        sockets.push(this);
      }
      addEventListener() {}
    },
  );
  vi.stubGlobal("fetch", async () => Response.json({ items: [] }));
  vi.spyOn(session, "current").mockResolvedValue("t");
  vi.spyOn(session, "state").mockImplementation(() => ({
    ...state,
    user: ADA as never,
    unreachable: false,
  }));
  vi.spyOn(session, "subscribe").mockImplementation((listener) => {
    changed = listener;
    return () => undefined;
  });
  startLive();
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

test("what one user asked and heard is not the next one's", async () => {
  notices.listen(() => undefined);
  await logsIn();
  socket().ack(socket().last("subscribe"), { cursor: "log-4" });
  await tick();
  const { begun } = asks.begin(ONCE);
  const refused = vi.fn();
  begun.catch(refused);
  expect(socket().last("send")).toBeDefined();
  await becomes("out");
  expect(refused).toHaveBeenCalledWith(expect.any(Withdrawn));
  await logsIn();
  expect(sockets).toHaveLength(2);
  expect(socket().last("send")).toBeUndefined();
  expect(socket().last("subscribe")).not.toHaveProperty("after");
});

test("where a login has lapsed, what was asked waits for whoever logs in again", async () => {
  await logsIn();
  const { begun } = asks.begin(ONCE);
  await becomes("lapsed");
  expect(socket().closed).toBe(true);
  await logsIn();
  expect(sockets).toHaveLength(2);
  const ids = { run_id: "r", session_id: "s", question_id: "q", answer_id: "a" };
  socket().ack(socket().last("send"), ids);
  await expect(begun).resolves.toMatchObject({ sessionId: "s" });
});
