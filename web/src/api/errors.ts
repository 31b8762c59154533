import type { Texts } from "../i18n";
import type { components } from "./schema";

export type Problem = components["schemas"]["Problem"];

/** One field that the server refused; bounds and the like come along. */
export interface FieldError {
  field: string;
  reason: string;
  minimum?: number;
  maximum?: number;
}

/** What the server refused, by its problem document; status 0: it was not reached at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string | undefined;
  /** Seconds to wait, where the server said so. */
  readonly retryAfter: number | undefined;
  /** The whole document: some reasons bring more, as `current` of a 412. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(problem: Partial<Problem> & { status: number }, retryAfter?: number) {
    super(problem.detail ?? problem.reason ?? `HTTP ${problem.status}`);
    this.status = problem.status;
    this.reason = problem.reason ?? (problem.status === 0 ? "OFFLINE" : "UNKNOWN");
    this.detail = problem.detail ?? "";
    this.errors = (problem.errors ?? []) as FieldError[];
    this.requestId = problem.request_id;
    this.retryAfter = retryAfter;
    this.problem = problem as Record<string, unknown>;
  }
}

/** The error that a response other than 2xx tells. */
export async function errorOf(response: Response): Promise<ApiError> {
  const waiting = Number(response.headers.get("Retry-After"));
  const retryAfter = waiting > 0 ? waiting : undefined;
  let problem: Partial<Problem> = {};
  try {
    // A proxy's page in between is no problem document: its status is all it tells.
    problem = await response.json();
  } catch {
    // Nothing more is known.
  }
  return new ApiError({ ...problem, status: response.status }, retryAfter);
}

/** What is said of an error, in the language of `t`. */
export function errorText(error: unknown, t: Texts): string {
  if (!(error instanceof ApiError)) return t.errors.UNKNOWN;
  const known: Record<string, string> = t.errors;
  const sentence = known[error.reason] ?? known[`HTTP_${error.status}`] ?? t.errors.UNKNOWN;
  return error.retryAfter === undefined || error.status !== 429
    ? sentence
    : `${sentence} ${t.common.inSeconds(error.retryAfter)}`;
}

/** What is said of each refused field, by its name. */
export function fieldTexts(error: unknown, t: Texts): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  return Object.fromEntries(
    error.errors.map((one) => {
      const say = (t.fields as Record<string, (one: FieldError) => string>)[one.reason];
      return [one.field, say ? say(one) : t.fields.OTHER(one)];
    }),
  );
}
