import { describe, expect, it } from "vitest";
import type { SessionRun } from "../../stream";
import { type Entry, entriesOf, isShown } from "./entries";
import type { Message } from "./messages";
import type { Pending } from "./pending";

const message = (id: string, given: Partial<Message> = {}) =>
  ({ id, role: id.startsWith("q") ? "user" : "assistant", run_id: `r-${id}`, ...given }) as Message;
const run = (question: string, answer: string, given: Partial<SessionRun> = {}): SessionRun => ({
  runId: `r-${answer}`,
  sessionId: "s",
  questionId: question,
  answerId: answer,
  live: true,
  ...given,
});
const pending = (given: Partial<Pending>): Pending => ({
  press: "p",
  kind: "send",
  content: "hello",
  status: "sending",
  ...given,
});
const begun = (questionId: string, answerId: string) => ({
  sessionId: "s",
  run: { id: `r-${answerId}`, questionId, answerId },
  messageId: null,
});

const told = (entries: Entry[]) =>
  entries.map((entry) =>
    entry.kind === "pending"
      ? `pending ${entry.pending.status}`
      : `${entry.kind} ${entry.key}${entry.kind === "answer" && entry.run ? " written" : ""}`,
  );
const of = (messages: Message[], waiting: Pending[] = [], live?: SessionRun) =>
  told(entriesOf(messages, waiting, live, (id) => id));

const PATH = [message("q1"), message("a1"), message("q2"), message("a2")];

describe("a conversation", () => {
  it("is its messages", () => {
    expect(of(PATH)).toEqual(["question q1", "answer a1", "question q2", "answer a2"]);
  });

  it("has a message's own text where another screen went on behind a run of this one", () => {
    const continued = [...PATH.slice(0, 3), message("a2", { run_id: "r-later" })];
    const ended = run("q2", "a2", { live: false });
    expect(of(continued, [], ended).at(-1)).toBe("answer a2 written");
    expect(of(continued, [], { ...ended, old: true }).at(-1)).toBe("answer a2");
    // What is not listed yet stays in sight.
    expect(of(PATH.slice(0, 3), [], { ...ended, old: true }).at(-1)).toBe("answer a2 written");
  });

  it("has a question from its press on, in one place until it is listed", () => {
    const rest = ["question q1", "answer a1"];
    const first = PATH.slice(0, 2);
    expect(of(first, [pending({})])).toEqual([...rest, "pending sending"]);
    const known = pending({ status: "begun", begun: begun("q2", "a2") });
    const live = run("q2", "a2");
    expect(of(first, [known], live)).toEqual([...rest, "pending begun", "answer a2 written"]);
    const listed = PATH.slice(0, 3);
    expect(of(listed, [known], live)).toEqual([...rest, "question q2", "answer a2 written"]);
    expect(of(PATH, [known], { ...live, live: false })).toEqual([
      ...rest,
      "question q2",
      "answer a2",
    ]);
    expect(isShown(listed, known)).toBe(true);
    expect(isShown(first, known)).toBe(false);
  });

  it("shows what has ended until it is listed", () => {
    const ended = run("q2", "a2", { live: false });
    expect(of(PATH.slice(0, 3), [], ended).at(-1)).toBe("answer a2 written");
  });

  it("keeps an answer until it is listed when what was queued behind it begins", () => {
    const before = run("q2", "a2", { live: false });
    const known = pending({ press: "p3", status: "begun", begun: begun("q3", "a3") });
    const queued = pending({ press: "p4", status: "queued" });
    const live = run("q3", "a3", { before });
    const asked = ["pending begun", "answer a3 written"];
    const shown = ["question q1", "answer a1", "question q2", "answer a2 written", ...asked];
    expect(of(PATH.slice(0, 3), [known, queued], live)).toEqual(shown);
    expect(of(PATH, [known, queued], live).slice(3)).toEqual(["answer a2", ...asked]);
  });

  it("shows an answer that is gone on with in its place", () => {
    const goneOn = run("q2", "a2", { runId: "another" });
    expect(of(PATH, [], goneOn).at(-1)).toBe("answer a2 written");
    expect(of(PATH, [], run("q2", "a2")).at(-1)).toBe("answer a2");
  });

  it("has what was gone on with, once it is listed, and not what stood there before", () => {
    const before = run("q2", "a2", { live: false });
    const goneOn = run("q2", "a2", { runId: "another", before });
    expect(of(PATH, [], goneOn).at(-1)).toBe("answer a2 written");
    const listed = [...PATH.slice(0, 3), message("a2", { run_id: "another" })];
    expect(of(listed, [], { ...goneOn, live: false }).at(-1)).toBe("answer a2");
  });

  it("leaves an answer alone that is written on another path", () => {
    expect(of(PATH, [], run("q9", "a9"))).toHaveLength(4);
  });

  it("puts an edited question in the place of the other one and of all behind it", () => {
    const edit = pending({ kind: "edit", messageId: "q2" });
    expect(of(PATH, [edit])).toEqual(["question q1", "answer a1", "pending sending"]);
    const failed = pending({ kind: "edit", messageId: "q2", status: "failed" });
    expect(of(PATH, [failed])).toEqual([
      "question q1",
      "answer a1",
      "question q2",
      "answer a2",
      "pending failed",
    ]);
  });

  it("puts another answer in the place of the one there was, from the press on", () => {
    const again = pending({ kind: "again", messageId: "q2" });
    expect(of(PATH, [again])).toEqual(["question q1", "answer a1", "question q2"]);
    const known = { ...again, status: "begun" as const, begun: begun("q2", "b2") };
    const live = run("q2", "b2");
    expect(of(PATH, [known], live).at(-1)).toBe("answer b2 written");
    // The path was read meanwhile, which ends at the question as long as it is answered.
    expect(isShown(PATH.slice(0, 3), known)).toBe(true);
    expect(of(PATH.slice(0, 3), [], live).at(-1)).toBe("answer b2 written");
    const after = [...PATH.slice(0, 3), message("b2")];
    expect(isShown(after, known)).toBe(true);
    expect(of(after, [known], { ...live, live: false }).at(-1)).toBe("answer b2");
  });
});
