import { api, ok, type Schema } from "../../api";
import type { Asking, Begun } from "../../stream";
import type { Attached } from "../files/transfer";

export type NewSession = Schema<"NewSession">;

/** A press of Send, of an edited question's, or of Regenerate, until the messages show what came of it. */
export interface Pending {
  /** Its idempotency key, and the question's key on the page for good. */
  press: string;
  kind: "send" | "edit" | "again";
  content: string;
  /** The draft that has its text until it has begun. */
  draft?: string;
  /** Of an edit the question that it stands beside, of another answer the question of it. */
  messageId?: string;
  /** `queued`: it waits until what was asked before it is answered. */
  status: "queued" | "sending" | "failed" | "begun";
  /** It is queued behind a question that could not be sent. */
  held?: boolean;
  error?: unknown;
  begun?: Begun;
  sessionId?: string | undefined;
  /** What a conversation that is made for it is to be like; undefined: as it comes. */
  making?: NewSession | undefined;
  asking?: Partial<Asking>;
  /** The files that go along. */
  attached?: readonly Attached[];
}

/** Makes the conversation of a press. */
export function make(session: NewSession, key: string): Promise<Schema<"Session">> {
  return ok(
    api.POST("/api/v1/chat/sessions", {
      body: session,
      params: { header: { "idempotency-key": `${key}-session` } },
    }),
  );
}

/** What the server is asked for by a press. */
export function askingOf({ kind, content, sessionId, messageId, asking }: Pending): Asking {
  if (kind === "send") {
    return { ...asking, type: "send", content, ...(sessionId && { session_id: sessionId }) };
  }
  if (sessionId === undefined || messageId === undefined) throw new Error("No message is meant.");
  const at = { session_id: sessionId, message_id: messageId };
  return kind === "edit"
    ? { ...asking, type: "edit", content, ...at }
    : { ...asking, type: "regenerate", ...at };
}
