import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { type RunState, runs } from "../../stream";
import { Announcer } from "./Announcer";

const RUN = { runId: "r", sessionId: "s", questionId: "q", answerId: "a", live: true };

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function setUp() {
  let end: (state: RunState) => void = () => undefined;
  vi.spyOn(runs, "onEnd").mockImplementation((listener) => {
    end = listener;
    return () => undefined;
  });
  const { rerender } = render(<Announcer run={RUN} />);
  const ended = (state: Partial<RunState>) => act(() => end({ runId: "r", ...state } as RunState));
  const said = () => screen.getByRole("status").textContent;
  return { ended, said, notice: () => rerender(<Announcer run={{ ...RUN, live: false }} />) };
}

it("says how an answer ended once its last words are here, not when a notice tells", () => {
  const { ended, said, notice } = setUp();
  expect(said()).toBe("Answering");
  notice();
  expect(said()).toBe("Answering");
  ended({ status: "completed", text: "three whole words" });
  expect(said()).toBe("Done, 3 words");
});

it("says that an answer ended early, and of another run nothing", () => {
  const { ended, said } = setUp();
  ended({ runId: "another", status: "completed", text: "" });
  expect(said()).toBe("Answering");
  ended({ status: "interrupted", text: "half" });
  expect(said()).toBe("The answer ended early");
});
