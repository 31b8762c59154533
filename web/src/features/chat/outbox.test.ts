import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../api";
import { session } from "../../session";
import { asks, type Begun } from "../../stream";
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
afterEach(() => vi.unstubAllGlobals());

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
