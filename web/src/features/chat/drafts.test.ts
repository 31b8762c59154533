import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { writeStored } from "../../ui/storage";
import { drafts } from "./drafts";

const user = (id: string) => writeStored("user", JSON.stringify({ id, username: id }));

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

  it("that was sent is kept until that is known, before what is typed meanwhile", () => {
    drafts.keep("new", "question");
    drafts.sending("new", "question");
    drafts.keep("new", "and");
    expect(drafts.of("new")).toBe("question\n\nand");
    drafts.acknowledged("new", "made");
    expect(drafts.of("new")).toBe("");
    expect(drafts.of("made")).toBe("and");
  });

  it("leaves nothing behind once it is empty", () => {
    drafts.keep("one", "x");
    drafts.keep("one", "");
    vi.advanceTimersByTime(500);
    drafts.sending("two", "y");
    drafts.acknowledged("two");
    expect(Object.keys(localStorage)).toEqual(["parley.user"]);
  });

  it("goes with the log-out", () => {
    drafts.keep("one", "x");
    drafts.sending("two", "y");
    drafts.clear();
    vi.advanceTimersByTime(1_000);
    expect(Object.keys(localStorage)).toEqual(["parley.user"]);
  });

  it("of another version is no draft", () => {
    localStorage.setItem("parley.draft.ada.new", "{broken");
    expect(drafts.of("new")).toBe("");
  });
});
