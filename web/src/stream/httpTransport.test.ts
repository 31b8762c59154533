import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { doors } from "./doors";
import type { Live } from "./live";
import { Notices } from "./notices";
import type { Runs } from "./runs";
import { fakeRequests, RUN, stream } from "./tests/fakeRequests";
import { FakeSocket, log } from "./tests/fakeSocket";

type Gateway = ReturnType<typeof fakeRequests>;

const WORDS = ["从前", "有座山", ", and ", "so on."];
let asked: Gateway["asked"];
let answers: Gateway["answers"];
let live: Live;
let runs: Runs;

const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  ({ asked, answers, live, runs } = fakeRequests());
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

async function connected() {
  live.start();
  await settled();
  await vi.waitFor(() => expect(live.state.status).toBe("open"));
}

test("a question goes by a request, and its answer comes by its events", async () => {
  answers["POST /api/v1/chat/sessions/s/messages"] = () =>
    stream(log(WORDS), { "x-run-id": "run" });
  await connected();
  const { answer } = live.ask({
    type: "send",
    content: "?",
    session_id: "s",
    temperature: 0.2,
    idempotency_key: "k",
  });
  const ack = await answer;
  runs.begun("run", {});
  expect(ack).toMatchObject({ run_id: "run", session_id: "s", question_id: "q", answer_id: "a" });
  await vi.waitFor(() => expect(runs.get("run")?.status).toBe("completed"));
  expect(runs.get("run")?.text).toBe(WORDS.join(""));
  const post = asked.find(({ method }) => method === "POST");
  expect(post?.body).toEqual({ content: "?", temperature: 0.2 });
  expect(post?.headers.get("Idempotency-Key")).toBe("k");
  expect(post?.headers.get("Authorization")).toBe("Bearer t");
});

test("each way to ask has its address", async () => {
  await connected();
  const key = { idempotency_key: "k" };
  const place = { session_id: "s", message_id: "m" };
  live.ask({ type: "send", content: "?", ...key }).answer.catch(() => undefined);
  live.ask({ type: "regenerate", ...place, model: "x", ...key }).answer.catch(() => undefined);
  live.ask({ type: "edit", ...place, content: "!", ...key }).answer.catch(() => undefined);
  live.ask({ type: "continue", run_id: "r", ...key }).answer.catch(() => undefined);
  live.ask({ type: "cancel", run_id: "r" }).answer.catch(() => undefined);
  await settled();
  expect(
    asked.filter(({ method }) => method === "POST").map(({ path, body }) => [path, body]),
  ).toEqual([
    ["/api/v1/chat/messages", { content: "?" }],
    ["/api/v1/chat/sessions/s/messages/m/regenerate", { model: "x" }],
    ["/api/v1/chat/sessions/s/messages/m/edit", { content: "!" }],
    ["/api/v1/chat/runs/r/continue", null],
    ["/api/v1/chat/runs/r/cancel", null],
  ]);
});

test("an answer that is edited begins no run", async () => {
  answers["POST /api/v1/chat/sessions/s/messages/m/edit"] = () =>
    Response.json({ run: null, question: null, answer: { id: "m2", session_id: "s" } });
  await connected();
  const edit = {
    type: "edit",
    session_id: "s",
    message_id: "m",
    content: "!",
    idempotency_key: "k",
  };
  const ack = await live.ask(edit as Parameters<Live["ask"]>[0]).answer;
  expect(ack).toMatchObject({ session_id: "s", message_id: "m2" });
  expect(ack.run_id).toBeUndefined();
});

test("a stream that ends early is followed again behind its last event", async () => {
  const all = log(WORDS);
  answers["GET /api/v1/chat/runs/run/events?after=0"] = () => stream(all.slice(0, 3));
  answers["GET /api/v1/chat/runs/run/events?after=3"] = () => stream(all.slice(3));
  await connected();
  runs.watch("run", () => {});
  await vi.advanceTimersByTimeAsync(2_000);
  await vi.waitFor(() => expect(runs.get("run")?.status).toBe("completed"));
  expect(runs.get("run")?.text).toBe(WORDS.join(""));
});

test("a refusal is told in its own words", async () => {
  answers["POST /api/v1/chat/messages"] = () =>
    Response.json({ reason: "TOO_MANY_RUNS" }, { status: 429, headers: { "Retry-After": "3" } });
  await connected();
  const { answer } = live.ask({ type: "send", content: "?", idempotency_key: "k" });
  await expect(answer).rejects.toMatchObject({ reason: "TOO_MANY_RUNS", retryAfter: 3 });
});

test("a network that is away is a connection that is lost: what was asked is asked again", async () => {
  let away = true;
  answers["POST /api/v1/chat/messages"] = () => {
    if (away) throw new TypeError("Failed to fetch");
    return stream(log(WORDS), { "x-run-id": "run" });
  };
  await connected();
  const { answer } = live.ask({ type: "send", content: "?", idempotency_key: "k" });
  await settled();
  expect(live.state.status).toBe("waiting");
  away = false;
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(answer).resolves.toMatchObject({ run_id: "run" });
});

test("what changes elsewhere is noticed within ten seconds, from the first moment on", async () => {
  const heard: string[] = [];
  new Notices(live).listen(({ change }) => heard.push(change));
  await connected();
  await vi.waitFor(() => expect(heard).toEqual(["read_again"]));
  answers["GET /api/v1/chat/runs?live=true"] = () => Response.json({ items: [RUN] });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(heard).toEqual(["read_again", "read_again"]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(heard).toHaveLength(2);
});

test("what one asks oneself is in the lists at once", async () => {
  const heard: string[] = [];
  new Notices(live).listen(({ change }) => heard.push(change));
  await connected();
  await vi.waitFor(() => expect(heard).toHaveLength(1));
  answers["POST /api/v1/chat/messages"] = () => stream(log(WORDS), { "x-run-id": "run" });
  answers["GET /api/v1/chat/sessions?limit=1"] = () => Response.json({ items: [{ id: "s" }] });
  await live.ask({ type: "send", content: "?", idempotency_key: "k" }).answer;
  await vi.waitFor(() => expect(heard).toHaveLength(2));
});

test("after ten minutes sockets are tried again", async () => {
  await connected();
  await vi.advanceTimersByTimeAsync(599_000);
  expect(live.state.status).toBe("open");
  const before = asked.filter(({ path }) => path === "/api/v1/me").length;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked.filter(({ path }) => path === "/api/v1/me").length).toBe(before + 1);
});

test("who begins to listen behind a notice is told to read again, and who begins anew is not", async () => {
  const notice = vi.fn();
  live.add({ notice });
  await connected();
  await live.askOnce({ type: "subscribe" });
  await settled();
  expect(notice).not.toHaveBeenCalled();
  await live.askOnce({ type: "subscribe", after: "log-1" });
  await settled();
  expect(notice.mock.calls).toMatchObject([[{ topic: "all", change: "read_again" }]]);
});

test("requests take the place of sockets where these do not come through though requests do", async () => {
  let reachable = false;
  const opened: EventTarget[] = [];
  const http = new FakeSocket();
  const open = doors(
    () => {
      opened.push(new EventTarget());
      return opened.at(-1) as WebSocket;
    },
    () => http,
    async () => reachable,
  );
  const fails = async () => {
    const given = open();
    if (given === http) return "requests";
    opened.at(-1)?.dispatchEvent(new Event("close"));
    await settled();
    return "socket";
  };
  expect([await fails(), await fails(), await fails()]).toEqual(["socket", "socket", "socket"]);
  reachable = true;
  expect([await fails(), await fails(), await fails()]).toEqual(["socket", "socket", "requests"]);
  expect(await fails()).toBe("socket");
});
