import type { Adapted, EventData, Fallback, Problem, RunEvent, Usage } from "./wire";

/** `gone`: there is no such run any more; its answer, if it has one, is among the messages. */
export type RunStatus = "running" | "completed" | "cancelled" | "interrupted" | "failed" | "gone";

/** What the events of a run add up to. Never changed: each event makes another one. */
export interface RunState {
  readonly runId: string;
  readonly sessionId: string | null;
  readonly questionId: string | null;
  readonly answerId: string | null;
  readonly model: string | null;
  /** The number of the newest event in it. */
  readonly seq: number;
  readonly text: string;
  readonly reasoning: string;
  /** When thinking began and when the first word came: null unless this page saw it happen. */
  readonly thinkingFrom: number | null;
  readonly thinkingUntil: number | null;
  readonly fallbacks: readonly Fallback[];
  readonly adapted: readonly Adapted[];
  /** Whether it was kept from an earlier answer. */
  readonly cached: boolean;
  readonly usage: Usage | null;
  readonly status: RunStatus;
  readonly finishReason: string | null;
  /** Why it ended other than completed. */
  readonly reason: string | null;
  readonly problem: Problem | null;
  /** Whether its answer is among the messages; false at its end: it will be once the database is back. */
  readonly saved: boolean;
  /** Whether its question was put by this page. */
  readonly asked: boolean;
  /** Whether it was told to stop, and has not yet. */
  readonly stopping: boolean;
}

export type RunIds = Partial<Pick<RunState, "sessionId" | "questionId" | "answerId">>;

export function emptyRun(runId: string, ids: RunIds = {}, asked = false): RunState {
  return {
    runId,
    sessionId: ids.sessionId ?? null,
    questionId: ids.questionId ?? null,
    answerId: ids.answerId ?? null,
    model: null,
    seq: 0,
    text: "",
    reasoning: "",
    thinkingFrom: null,
    thinkingUntil: null,
    fallbacks: [],
    adapted: [],
    cached: false,
    usage: null,
    status: "running",
    finishReason: null,
    reason: null,
    problem: null,
    saved: false,
    asked,
    stopping: false,
  };
}

export const isLive = (state: RunState): boolean => state.status === "running";

/** Whether `event` can follow: a snapshot stands for all before it, anything else must be the next. */
export function follows(state: RunState, event: RunEvent): boolean {
  return event.seq === state.seq + 1 || (event.event === "snapshot" && event.seq > state.seq);
}

/**
 * `state` with an event taken in that follows it. One that was seen before changes nothing, and
 * one that is not known is only counted. `now` is when it came.
 */
export function take(state: RunState, event: RunEvent, now: number): RunState {
  if (event.seq <= state.seq || !isLive(state)) return state;
  return { ...state, seq: event.seq, ...changes(state, event, now) };
}

function changes(state: RunState, event: RunEvent, now: number): Partial<RunState> {
  switch (event.event) {
    case "start":
      return started(state, event.data);
    case "delta":
      return { text: state.text + event.data.text, ...thought(state, now) };
    case "reasoning":
      return {
        reasoning: state.reasoning + event.data.text,
        thinkingFrom: state.thinkingFrom ?? (state.asked ? now : null),
      };
    case "snapshot":
      return {
        text: event.data.text,
        reasoning: event.data.reasoning,
        fallbacks: event.data.fallbacks ?? state.fallbacks,
        adapted: event.data.adapted ?? state.adapted,
        cached: event.data.cache === undefined ? state.cached : event.data.cache === "hit",
      };
    case "usage":
      return { usage: event.data };
    case "cache":
      return { cached: event.data.state === "hit" };
    case "adapted":
      return { adapted: event.data.adapted };
    case "fallback":
      // What was adapted was what the connection before was asked for.
      return {
        fallbacks: [...state.fallbacks, event.data],
        adapted: [],
        model: event.data.model,
      };
    case "done":
      return {
        status: event.data.status,
        finishReason: event.data.finish_reason ?? null,
        reason: event.data.reason ?? null,
        ...ended(state, event.data, now),
      };
    case "error":
      return {
        status: "failed",
        reason: event.data.problem.reason,
        problem: event.data.problem,
        ...ended(state, event.data, now),
      };
    default:
      return {};
  }
}

function started(state: RunState, data: EventData["start"]): Partial<RunState> {
  return {
    sessionId: data.session_id ?? state.sessionId,
    questionId: data.question_id ?? state.questionId,
    answerId: data.answer_id ?? state.answerId,
    model: data.model,
  };
}

function thought(state: RunState, now: number): Partial<RunState> {
  const thinking = state.thinkingFrom !== null && state.thinkingUntil === null;
  return thinking ? { thinkingUntil: now } : {};
}

function ended(
  state: RunState,
  data: EventData["done"] | EventData["error"],
  now: number,
): Partial<RunState> {
  return {
    answerId: data.message_id ?? state.answerId,
    saved: data.saved,
    stopping: false,
    ...thought(state, now),
  };
}
