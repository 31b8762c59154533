import type { Problem, RunState } from "../../stream";
import type { Message } from "./messages";

/** What an answer shows, be it saved or being written. */
export interface AnswerState {
  text: string;
  reasoning: string;
  live: boolean;
  /** It thinks, and has said nothing yet. */
  thinking: boolean;
  status: Message["status"];
  reason: string | null;
  finishReason: string | null;
  problem: Problem | null;
  runId: string | null;
  canContinue: boolean;
  saved: boolean;
  stopping: boolean;
  /** It was kept from an earlier answer. */
  cached: boolean;
  /** Who answers instead, and why. */
  fallback: { name: string | null; reason: string } | null;
}

/** The state of an answer from its message and, as long as there is one, the run that writes it. */
export function answerState(
  message: Message | undefined,
  run: RunState | undefined,
  isWritten: boolean,
): AnswerState {
  if (!isWritten && message !== undefined) return ofMessage(message);
  // Until the run has said something, an answer that it goes on with stays as it is.
  const heard = run !== undefined && run.seq > 0 && (run.text !== "" || run.reasoning !== "");
  const before = heard || message === undefined ? undefined : message;
  const live = run === undefined || run.status === "running";
  const text = before?.content ?? run?.text ?? "";
  const fallback = run?.fallbacks.at(-1);
  return {
    text,
    reasoning: before?.reasoning ?? run?.reasoning ?? "",
    live,
    thinking: live && text === "",
    status: run === undefined || run.status === "gone" ? "running" : run.status,
    reason: run?.reason ?? null,
    finishReason: run?.finishReason ?? null,
    problem: run?.problem ?? null,
    runId: run?.runId ?? null,
    // That is told by the message, which is on its way.
    canContinue: false,
    saved: live || (run?.saved ?? false),
    stopping: run?.stopping ?? false,
    cached: run?.cached ?? false,
    fallback: fallback ? { name: fallback.key_name, reason: fallback.reason } : null,
  };
}

function ofMessage(message: Message): AnswerState {
  return {
    text: message.content,
    reasoning: message.reasoning ?? "",
    live: false,
    thinking: false,
    status: message.status,
    reason: message.reason,
    finishReason: message.finish_reason,
    problem: null,
    runId: message.run_id,
    canContinue: message.can_continue ?? false,
    saved: true,
    stopping: false,
    cached: message.cached ?? false,
    fallback: message.fallback ? { name: null, reason: message.fallback.reason } : null,
  };
}

const seconds = new Map<string, number>();

/** How long the model thought, where this page saw it. It is remembered beyond the run. */
export function thoughtSeconds(answerId: string, run: RunState | undefined): number | undefined {
  if (run?.thinkingFrom != null && run.thinkingUntil != null) {
    const took = Math.max(1, Math.round((run.thinkingUntil - run.thinkingFrom) / 1000));
    seconds.set(answerId, took);
  }
  return seconds.get(answerId);
}
