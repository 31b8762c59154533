import type { SessionRun } from "../../stream";
import type { Message } from "./messages";
import type { Pending } from "./pending";

/** What stands in the log of a conversation. */
export type Entry =
  | { kind: "question"; key: string; message: Message }
  | { kind: "pending"; key: string; pending: Pending }
  | {
      kind: "answer";
      key: string;
      /** Absent as long as it is not saved. */
      message?: Message;
      /** The run that writes it, or goes on with it, as long as the message does not have it all. */
      run?: SessionRun;
    };

/**
 * The log: `messages` of the chosen path, oldest first; behind them what was pressed and is not
 * among them yet, but for what is queued; and the answers that are being written, or are written and not
 * listed yet.
 */
export function entriesOf(
  messages: readonly Message[],
  pending: readonly Pending[],
  run: SessionRun | undefined,
  keyOf: (questionId: string) => string,
): Entry[] {
  const runs = run === undefined ? [] : [run, ...(run.before ? [run.before] : [])];
  let path = messages;
  for (const one of pending) path = cut(path, one);
  const entries = path.map((message): Entry => {
    if (message.role === "user") return { kind: "question", key: keyOf(message.id), message };
    // What the run has written that the message is of, or one before it, is in the message.
    const at = runs.findIndex((one) => one.runId === message.run_id);
    const newer = at < 0 ? runs : runs.slice(0, at);
    const writing = newer.find((one) => one.answerId === message.id && !one.old);
    return { kind: "answer", key: message.id, message, ...(writing && { run: writing }) };
  });
  const answer = (question: string | undefined) => {
    const by = runs.find(({ questionId }) => questionId === question);
    if (by !== undefined) entries.push({ kind: "answer", key: by.answerId, run: by });
  };
  answer(path.at(-1)?.id);
  for (const one of pending) {
    if (one.kind === "again" || one.status === "queued") continue;
    const id = one.begun?.run?.questionId;
    if (id !== undefined && path.some((message) => message.id === id)) continue;
    entries.push({ kind: "pending", key: one.press, pending: one });
    if (id !== undefined) answer(id);
  }
  return entries;
}

/** The path without what is about to be replaced. */
function cut(path: readonly Message[], pending: Pending): readonly Message[] {
  if (pending.status === "failed" || pending.kind === "send" || isShown(path, pending)) return path;
  const at = path.findIndex((message) => message.id === pending.messageId);
  if (at < 0) return path;
  return path.slice(0, pending.kind === "edit" ? at : at + 1);
}

/** Whether the messages have what the press began. */
export function isShown(messages: readonly Message[], { kind, begun }: Pending): boolean {
  if (begun === undefined) return false;
  const run = begun.run;
  if (run === null) return messages.some((message) => message.id === begun.messageId);
  if (kind !== "again") return messages.some((message) => message.id === run.questionId);
  const last = messages.at(-1)?.id;
  return last === run.questionId || messages.some((message) => message.id === run.answerId);
}
