import type { Texts } from "../i18n/en";
import type { FieldError } from "./fieldError";
import type { components } from "./schema";

export type Problem = components["schemas"]["Problem"];

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
    this.reason = problem.reason ?? (problem.status === 0 ? "OFFLINE" : `HTTP_${problem.status}`);
    this.detail = problem.detail ?? "";
    this.errors = (problem.errors ?? []) as FieldError[];
    this.requestId = problem.request_id;
    this.retryAfter = retryAfter;
    this.problem = problem as Record<string, unknown>;
  }

  /** When what is used up begins anew, where the server said so. */
  get resetsAt(): string | undefined {
    const { resets_at: at } = this.problem;
    return typeof at === "string" ? at : undefined;
  }
}

/** Whether an error says that what was asked for is not there, or not any more. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
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

/** A moment where the reader is, in the language of the page. */
function moment(at: string): string {
  const tag = document.documentElement.lang || undefined;
  const format = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(at));
}

/** What is said of an error, in the language of `t`. */
export function errorText(error: unknown, t: Texts): string {
  if (!(error instanceof ApiError)) return t.errors.UNKNOWN;
  const said = reasonText(error.reason, error.status, t);
  return error.resetsAt ? t.common.goOnFrom(said, moment(error.resetsAt)) : said;
}

/** What is said of the reason why a model did not answer, or not to its end. */
export function failureText(reason: string | null | undefined, t: Texts): string {
  const known: Record<string, string> = t.errors;
  return known[reason ?? ""] ?? t.errors.MODEL_FAILED;
}

/** What is said of a reason; of one that is not known, by its status. */
function reasonText(reason: string, status: number, t: Texts): string {
  const known: Record<string, string> = t.errors;
  return known[reason] ?? known[`HTTP_${status}`] ?? t.errors.UNKNOWN;
}

/** What is said of one refused field: its own sentence, else that of the same reason for a whole request. */
function fieldText(one: FieldError, t: Texts): string {
  const own: Record<string, (one: FieldError) => string> = t.fields;
  const whole: Record<string, string> = t.errors;
  return own[one.reason]?.(one) ?? whole[one.reason] ?? t.fields.OTHER();
}

/**
 * What is said of each refused field, by its name. `places` names the field of reasons that stand
 * for the whole request: `{USERNAME_TAKEN: "username"}`.
 */
export function fieldTexts(
  error: unknown,
  t: Texts,
  places: Readonly<Record<string, string>> = {},
): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const told = error.errors.map((one) => [one.field, fieldText(one, t)]);
  const place = places[error.reason];
  if (place !== undefined) told.push([place, errorText(error, t)]);
  return Object.fromEntries(told);
}
