import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { en } from "../../i18n/en";
import { AnswerEnd } from "./AnswerEnd";
import { type AnswerState, answerState } from "./answerState";
import type { Actions } from "./useActions";

afterEach(cleanup);

function show(state: Partial<AnswerState>) {
  const ended: AnswerState = { ...answerState(undefined, undefined, true), saved: true, ...state };
  render(<AnswerEnd state={ended} message={undefined} actions={{} as Actions} idle />);
}

test("of a reason that is not known it is said that the model did not answer", () => {
  show({ status: "failed", reason: "SOMETHING_NEW" });
  expect(screen.getByText(en.errors.MODEL_FAILED)).toBeDefined();
});

test("an answer from elsewhere says why, and advises nothing", () => {
  show({ status: "completed", fallback: { name: "B", reason: "PROVIDER_OVERLOADED" } });
  expect(screen.getByText("Answered by B instead: the model server is overloaded.")).toBeDefined();
});

test("an answer from elsewhere says so whatever the reason is", () => {
  show({ status: "completed", fallback: { name: null, reason: "SOMETHING_NEW" } });
  expect(screen.getByText("Answered by another connection instead.")).toBeDefined();
});
