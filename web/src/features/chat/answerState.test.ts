import { expect, test } from "vitest";
import { emptyRun, type RunState } from "../../stream/reducer";
import { answerState } from "./answerState";
import type { Message } from "./messages";

const MESSAGE = { content: "so far", reasoning: "thought", status: "interrupted" } as Message;
const run = (more: Partial<RunState>): RunState => ({ ...emptyRun("r"), ...more });
const written = (more: Partial<RunState>, message?: Message) =>
  answerState(message, run(more), true);

test("an answer that has ended is saved once that is said, and one that is being written is not unsaved", () => {
  expect(written({ status: "completed", saved: false }).saved).toBe(false);
  expect(written({ status: "completed", saved: true }).saved).toBe(true);
  expect(written({ status: "running", saved: false })).toMatchObject({ live: true, saved: true });
});

test("of several that answer instead the last is told", () => {
  const fallbacks = ["one", "two"].map((key_name) => ({ key_name, reason: "RATE_LIMITED" }));
  expect(written({ fallbacks: fallbacks as never }).fallback).toEqual({
    name: "two",
    reason: "RATE_LIMITED",
  });
});

test("what is gone on with stays as it is until its run has said something", () => {
  expect(written({ seq: 1 }, MESSAGE)).toMatchObject({ text: "so far", reasoning: "thought" });
  expect(written({ seq: 2, text: "so far, so" }, MESSAGE)).toMatchObject({ text: "so far, so" });
});

test("a message that no run writes is what it is, whatever a run says", () => {
  const state = answerState(MESSAGE, run({ text: "other" }), false);
  expect(state).toMatchObject({ text: "so far", status: "interrupted", live: false, saved: true });
});
