import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { writeStored } from "../../ui/storage";
import { drafts } from "./drafts";

const user = (id: string) => writeStored("user", JSON.stringify({ id, username: id }));

/** The drafts as a page has them that is opened anew. */
async function reloaded(): Promise<typeof drafts> {
  vi.advanceTimersByTime(500);
  vi.resetModules();
  return (await import("./drafts")).drafts;
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  user("ada");
});
afterEach(() => {
  drafts.clear();
  vi.useRealTimers();
});

describe("a draft", () => {
  it("is written within half a second, and is there again", () => {
    drafts.keep("new", "hel");
    drafts.keep("new", "hello");
    expect(localStorage.getItem("parley.draft.ada.new")).toBeNull();
    vi.advanceTimersByTime(500);
    expect(localStorage.getItem("parley.draft.ada.new")).toBe('{"text":"hello"}');
    expect(drafts.of("new")).toBe("hello");
  });

  it("is of one conversation and one user", () => {
    drafts.keep("one", "first");
    drafts.keep("two", "second");
    expect([drafts.of("one"), drafts.of("two"), drafts.of("three")]).toEqual([
      "first",
      "second",
      "",
    ]);
    user("eve");
    expect(drafts.of("one")).toBe("");
    user("ada");
    expect(drafts.of("one")).toBe("first");
  });

  it("that was sent is kept until that is known, and is for a later page alone", async () => {
    drafts.sending("new", "p", "question");
    drafts.keep("new", "and");
    expect(drafts.of("new")).toBe("and");
    const later = await reloaded();
    expect(later.of("new")).toBe("question\n\nand");
    // What the later page shows as typed is no longer what an earlier one pressed.
    expect((await reloaded()).of("new")).toBe("question\n\nand");
  });

  it("goes along to the conversation that was made for it", () => {
    drafts.sending("new", "p", "question");
    drafts.keep("new", "and");
    drafts.acknowledged("new", "p", "question", "made");
    expect([drafts.of("new"), drafts.of("made")]).toEqual(["", "and"]);
    expect(Object.keys(localStorage).sort()).toEqual(["parley.draft.ada.made", "parley.user"]);
  });

  it("that waits for its turn is for the conversation that is made meanwhile", async () => {
    drafts.sending("new", "p1", "one");
    drafts.sending("new", "p2", "two");
    drafts.keep("new", "and");
    drafts.acknowledged("new", "p1", "one", "made");
    drafts.move("new", "p2", "made");
    expect([drafts.of("new"), drafts.of("made")]).toEqual(["", "and"]);
    const later = await reloaded();
    expect([later.of("new"), later.of("made")]).toEqual(["", "two\n\nand"]);
  });

  it("is taken out again where another tab took a question on its way for it", async () => {
    drafts.sending("one", "p", "question");
    const other = await reloaded();
    expect(other.of("one")).toBe("question");
    other.keep("one", "question\n\nand");
    vi.advanceTimersByTime(500);
    drafts.acknowledged("one", "p", "question");
    expect((await reloaded()).of("one")).toBe("and");
  });

  it("keeps each press until that one is known", async () => {
    drafts.sending("one", "p1", "refused");
    drafts.sending("one", "p2", "sent");
    drafts.acknowledged("one", "p2", "sent");
    expect((await reloaded()).of("one")).toBe("refused");
  });

  it("stays where something else is pressed, and is emptied by who sends it", () => {
    drafts.keep("new", "half a thought");
    drafts.sending("new", "p", "a starter");
    expect(drafts.of("new")).toBe("half a thought");
    drafts.empty("new");
    expect(drafts.of("new")).toBe("");
  });

  it("leaves nothing behind once it is empty", () => {
    drafts.keep("one", "x");
    drafts.keep("one", "");
    vi.advanceTimersByTime(500);
    drafts.sending("two", "p", "y");
    drafts.acknowledged("two", "p", "y");
    expect(Object.keys(localStorage)).toEqual(["parley.user"]);
  });

  it("goes with the log-out", () => {
    drafts.keep("one", "x");
    drafts.sending("two", "p", "y");
    drafts.clear();
    vi.advanceTimersByTime(1_000);
    expect(Object.keys(localStorage)).toEqual(["parley.user"]);
  });

  it("of another version is no draft", () => {
    localStorage.setItem("parley.draft.ada.new", "{broken");
    expect(drafts.of("new")).toBe("");
  });
});
