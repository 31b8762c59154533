import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../api";
import { session } from "../../session";
import { asks, type Begun, liveRuns } from "../../stream";
import { Outbox } from "./outbox";

const BEGUN: Begun = {
  sessionId: "s",
  run: { id: "r", questionId: "q", answerId: "a" },
  messageId: null,
};
const question = { kind: "send", content: "hello" } as const;

const AT = { sessionId: "s", messageId: "q" };

function asked(answer: () => Promise<Begun>) {
  return vi.spyOn(asks, "begin").mockImplementation(() => ({ begun: answer() }));
}

const made: string[] = [];
beforeEach(() => {
  made.length = 0;
  vi.spyOn(session, "current").mockResolvedValue("a token");
  vi.stubGlobal("fetch", async (request: Request) => {
    made.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return Response.json({ id: "made" }, { status: 201 });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  liveRuns.clear();
});

describe("a press", () => {
  it("is there at once, begins, and stays until it is shown", async () => {
    asked(async () => BEGUN);
    const outbox = new Outbox();
    const put = outbox.put("new", question);
    expect(outbox.at("new")).toMatchObject([{ status: "sending", content: "hello" }]);
    await expect(put).resolves.toBe(BEGUN);
    expect(outbox.at("new")).toMatchObject([{ status: "begun", sessionId: "s" }]);
    outbox.settle("new", () => false);
    expect(outbox.at("new")).toHaveLength(1);
    outbox.settle("new", () => true);
    expect(outbox.at("new")).toEqual([]);
    expect(outbox.placeOf("s")).toBe("new");
  });

  it("gives its question one key on the page for good", async () => {
    asked(async () => BEGUN);
    const outbox = new Outbox();
    void outbox.put("new", question);
    const press = outbox.at("new")[0]?.press;
    await vi.waitFor(() => expect(outbox.at("new")[0]?.status).toBe("begun"));
    expect(outbox.keyOf("q")).toBe(press);
    expect(outbox.keyOf("another")).toBe("another");
  });

  it("that fails stays, and is tried again under the same idempotency key", async () => {
    const begin = asked(() => Promise.reject(new ApiError({ status: 0 })));
    const outbox = new Outbox();
    await expect(outbox.put("s", { ...question, sessionId: "s" })).resolves.toBeUndefined();
    const [failed] = outbox.at("s");
    expect(failed).toMatchObject({ status: "failed", content: "hello" });
    outbox.settle("s", () => true);
    expect(outbox.at("s")).toHaveLength(1);
    asked(async () => BEGUN);
    await expect(outbox.again("s", failed?.press ?? "")).resolves.toBe(BEGUN);
    const keys = begin.mock.calls.map(([asking, key]) => [asking, key]);
    expect(keys).toEqual([
      [{ type: "send", content: "hello", session_id: "s" }, failed?.press],
      [{ type: "send", content: "hello", session_id: "s" }, failed?.press],
    ]);
  });

  it("makes the conversation that is wanted for it, once", async () => {
    const begin = asked(() => Promise.reject(new ApiError({ status: 503 })));
    const outbox = new Outbox();
    const making = { model: "m", temporary: false, summary: false };
    await outbox.put("new", { ...question, making });
    await outbox.again("new", outbox.at("new")[0]?.press ?? "");
    expect(made).toEqual([`POST /api/v1/chat/sessions ${JSON.stringify(making)}`]);
    expect(begin.mock.lastCall?.[0]).toMatchObject({ session_id: "made" });
  });

  it("is tried again in the conversation that another one has made meanwhile", async () => {
    asked(() => Promise.reject(new ApiError({ status: 429 })));
    const outbox = new Outbox();
    const making = { model: "m", temporary: false, summary: false };
    await outbox.put("new", { ...question, making });
    const begin = asked(async () => BEGUN);
    await outbox.again("new", outbox.at("new")[0]?.press ?? "", "s");
    expect(begin.mock.lastCall?.[0]).toMatchObject({ session_id: "s" });
  });

  it("keeps its text in the draft until it has begun, or is taken back", async () => {
    asked(() => Promise.reject(new ApiError({ status: 0 })));
    const outbox = new Outbox();
    const kept = () => localStorage.getItem("parley.draft..edit-q") ?? "";
    await outbox.put("s", { ...question, kind: "edit", draft: "edit-q", ...AT });
    expect(kept()).toContain("hello");
    outbox.drop("s", outbox.at("s")[0]?.press ?? "");
    expect(kept()).toBe("");
    asked(async () => BEGUN);
    const put = outbox.put("s", { ...question, kind: "edit", draft: "edit-q", ...AT });
    expect(kept()).toContain("hello");
    await put;
    expect(kept()).toBe("");
  });

  it("of a new conversation is found where it was asked, until there is that conversation", async () => {
    let begin: (begun: Begun) => void = () => undefined;
    asked(() => new Promise((resolve) => (begin = resolve)));
    const outbox = new Outbox();
    const first = outbox.placeOf(undefined);
    const put = outbox.put(first, question);
    expect(outbox.placeOf(undefined)).toBe(first);
    begin(BEGUN);
    await put;
    expect(outbox.placeOf(undefined)).not.toBe(first);
    expect(outbox.placeOf("s")).toBe(first);
  });

  it("is of its own place", async () => {
    asked(async () => BEGUN);
    const outbox = new Outbox();
    await outbox.put("one", question);
    expect(outbox.at("two")).toEqual([]);
  });

  it("that breaks on a fault of ours is not hidden", async () => {
    asked(() => Promise.reject(new TypeError("a fault")));
    await expect(new Outbox().put("new", question)).rejects.toThrow("a fault");
  });
});

describe("a question behind another", () => {
  const run = (id: string) => ({
    runId: id,
    sessionId: "s",
    questionId: `q${id}`,
    answerId: `a${id}`,
  });
  const known = { kind: "send", sessionId: "s" } as const;
  const told = (outbox: Outbox, place = "s") =>
    outbox.at(place).map(({ content, status }) => `${content} ${status}`);

  /** Presses that begin a run each, as the gateway acknowledges them. */
  function begins() {
    let count = 0;
    return vi.spyOn(asks, "begin").mockImplementation(() => {
      const { runId, sessionId, questionId, answerId } = run(`r${++count}`);
      liveRuns.begun({ runId, sessionId, questionId, answerId });
      const begun = { sessionId, run: { id: runId, questionId, answerId }, messageId: null };
      return { begun: Promise.resolve(begun) };
    });
  }
  const ends = async (id: string, status = "completed") => {
    liveRuns.ended(id, status);
    await vi.waitFor(() => undefined);
  };

  it("goes by itself when the answer has ended, in turn, each under a key of its own", async () => {
    const begin = begins();
    const outbox = new Outbox();
    for (const content of ["one", "two", "three"]) void outbox.put("s", { ...known, content });
    await vi.waitFor(() =>
      expect(told(outbox)).toEqual(["one begun", "two queued", "three queued"]),
    );
    await ends("r1");
    expect(told(outbox)).toEqual(["one begun", "two begun", "three queued"]);
    await ends("r2", "cancelled");
    // What the messages have by now is let go of.
    expect(told(outbox)).toEqual(["two begun", "three begun"]);
    expect(begin.mock.calls.map(([asking]) => asking)).toMatchObject([
      { content: "one" },
      { content: "two" },
      { content: "three" },
    ]);
    expect(new Set(begin.mock.calls.map(([, key]) => key)).size).toBe(3);
  });

  it("of a conversation that is being made goes into that one, and its draft along", async () => {
    const begin = begins();
    const outbox = new Outbox();
    const put = { kind: "send", draft: "new" } as const;
    const making = { model: "m", temporary: false, summary: false };
    void outbox.put("new", { ...put, content: "one", making });
    void outbox.put("new", { ...put, content: "two", making });
    expect(told(outbox, "new")).toEqual(["one sending", "two queued"]);
    await vi.waitFor(() => expect(told(outbox, "new")).toEqual(["one begun", "two queued"]));
    const kept = (place: string) => localStorage.getItem(`parley.draft..${place}`) ?? "";
    expect([kept("new"), kept("s")]).toEqual(["", expect.stringContaining("two")]);
    await ends("r1");
    expect(begin.mock.lastCall?.[0]).toMatchObject({ content: "two", session_id: "s" });
    expect(made).toHaveLength(1);
    await vi.waitFor(() => expect(kept("s")).toBe(""));
  });

  it.each(["failed", "interrupted"])("that %s waits for a word", async (status) => {
    begins();
    const outbox = new Outbox();
    for (const content of ["one", "two", "three"]) void outbox.put("s", { ...known, content });
    await ends("r1", status);
    expect(told(outbox)).toEqual(["one begun", "two queued", "three queued"]);
    outbox.sendHeld("s");
    await vi.waitFor(() =>
      expect(told(outbox)).toEqual(["one begun", "two begun", "three queued"]),
    );
    await ends("r2");
    expect(told(outbox)).toEqual(["two begun", "three begun"]);
  });

  it("that was not sent waits until that one is, or it is told to go", async () => {
    asked(() => Promise.reject(new ApiError({ status: 503 })));
    const outbox = new Outbox();
    for (const content of ["one", "two"]) void outbox.put("s", { ...known, content });
    await vi.waitFor(() => expect(told(outbox)).toEqual(["one failed", "two queued"]));
    liveRuns.begun({ ...run("other"), sessionId: "other" });
    expect(told(outbox)).toEqual(["one failed", "two queued"]);
    begins();
    await outbox.again("s", outbox.at("s")[0]?.press ?? "", "s");
    expect(told(outbox)).toEqual(["one begun", "two queued"]);
    await ends("r1");
    expect(told(outbox)).toEqual(["one begun", "two begun"]);
  });

  it("that another screen asked is tried again under its key", async () => {
    vi.useFakeTimers();
    const begin = asked(() =>
      Promise.reject(new ApiError({ status: 409, reason: "RUN_IN_PROGRESS" })),
    );
    const outbox = new Outbox();
    await outbox.put("s", { ...known, content: "two" });
    expect(told(outbox)).toEqual(["two queued"]);
    asked(async () => BEGUN);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told(outbox)).toEqual(["two begun"]);
    const [first, second] = begin.mock.calls.map(([, key]) => key);
    expect(first).toBe(second);
    vi.useRealTimers();
  });
});
