/** What is said over the gateway's socket: docs/sockets.md and docs/streaming.md. */

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  cached_tokens?: number | null;
  reasoning_tokens?: number | null;
}

/** A parameter that the model server did not take; `use` is what it was sent instead. */
export interface Adapted {
  parameter: string;
  use: string | null;
}

/** Another connection took the place of the one that was asked first. */
export interface Fallback {
  from_key_id: string;
  reason: string;
  key_id: string;
  key_name: string;
  owner: "user" | "operator";
  provider: string;
  model: string;
}

/** A problem document of the gateway, as a frame or in an `error` event. */
export interface Problem {
  status: number;
  reason: string;
  title: string;
  detail: string;
  request_id?: string;
  errors?: { field: string; reason: string; minimum?: number; maximum?: number }[];
  retry_after?: number;
  provider_message?: string;
  run_id?: string;
  [more: string]: unknown;
}

interface Place {
  message_id?: string | null;
  order?: number | null;
  saved: boolean;
}

/** Whether the answer was looked for among those that are kept, and found there. */
export type CacheState = "off" | "miss" | "hit";

export type EndStatus = "completed" | "cancelled" | "interrupted";

/** What each event of a run says. */
export interface EventData {
  start: {
    run_id: string;
    session_id?: string | null;
    question_id?: string | null;
    answer_id?: string | null;
    model: string;
  };
  delta: { text: string };
  reasoning: { text: string };
  usage: Usage;
  cache: { state: CacheState };
  adapted: { adapted: Adapted[] };
  fallback: Fallback;
  snapshot: {
    text: string;
    reasoning: string;
    fallbacks?: Fallback[];
    adapted?: Adapted[];
    cache?: CacheState;
  };
  done: Place & { status: EndStatus; finish_reason?: string | null; reason?: string | null };
  error: Place & { problem: Problem };
}

export type RunEvent = {
  [Name in keyof EventData]: { seq: number; event: Name; data: EventData[Name] };
}[keyof EventData];

export type EventFrame = RunEvent & { type: "event"; run_id: string };

export interface AckFrame {
  type: "ack";
  ref?: string;
  run_id?: string;
  session_id?: string;
  question_id?: string;
  answer_id?: string;
  message_id?: string;
  cursor?: string;
  ended?: boolean;
}

export type ProblemFrame = Problem & { type: "problem"; ref?: string };

/** What has changed, and where to look. Topics and changes that are not known are to be passed over. */
export interface Notice {
  topic: string;
  change: string;
  session_id?: string;
  run_id?: string;
  question_id?: string;
  answer_id?: string;
  status?: string;
  reason?: string;
}

export type NoticeFrame = Notice & { type: "notice"; cursor: string };

export type ServerFrame =
  | EventFrame
  | AckFrame
  | ProblemFrame
  | NoticeFrame
  | { type: "pong"; ref?: string };

/** How an answer is to be made; what is absent is the conversation's. */
export interface Wishes {
  key_id?: string | null;
  model?: string | null;
}

/** Of a question: an answer that was kept of the same one will do. */
interface Kept {
  cache?: boolean;
}

export interface Parameters {
  temperature?: number | null;
  max_tokens?: number | null;
  top_p?: number | null;
  stop?: string[] | null;
  reasoning_effort?: string | null;
}

/** What begins a run. An `edit` of an answer begins none. */
export type Asking =
  | ({ type: "send"; content: string; session_id?: string } & Wishes & Parameters & Kept)
  | ({
      type: "regenerate";
      session_id: string;
      message_id: string;
      parameters?: Parameters;
    } & Wishes)
  | ({ type: "edit"; session_id: string; message_id: string; content: string } & Wishes &
      Parameters &
      Kept)
  | { type: "continue"; run_id: string };

/** A frame to the gateway, but for the `ref` that whoever sends it gives it. */
export type ClientFrame =
  | { type: "auth"; token: string }
  | (Asking & { idempotency_key: string })
  | { type: "follow"; run_id: string; after: number }
  | { type: "unfollow"; run_id: string }
  | { type: "cancel"; run_id: string }
  | { type: "subscribe"; after?: string }
  | { type: "ping" };

const KINDS = new Set(["event", "ack", "problem", "notice", "pong"]);

/** The frame that `text` spells; undefined for one of a kind that is not known. */
export function read(text: string): ServerFrame | undefined {
  const frame = JSON.parse(text) as { type?: unknown };
  return KINDS.has(frame.type as string) ? (frame as ServerFrame) : undefined;
}
