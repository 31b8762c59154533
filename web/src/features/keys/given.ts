import { ApiError, type Schema } from "../../api";
import { linesOf, parametersOf, textOf } from "../parameters/parse";
import type { Key } from "./requests";

type Provider = Schema<"Key">["provider"];

/** What the form of a connection says. Throws ApiError as the server would where it is unreadable. */
export function keyOfForm(given: FormData, stored: Key | undefined) {
  const apiKey = textOf(given, "api_key");
  const headers = headersOf(given);
  const provider: Provider = textOf(given, "provider") === "anthropic" ? "anthropic" : "openai";
  return {
    name: textOf(given, "name"),
    base_url: textOf(given, "base_url"),
    model: textOf(given, "model"),
    provider,
    parameters: parametersOf(given),
    fallback_key_id: textOf(given, "fallback_key_id") || null,
    // What is stored stays where nothing is written in its place.
    ...(apiKey !== "" || stored === undefined ? { api_key: apiKey } : {}),
    ...(headers !== undefined ? { headers } : {}),
    ...(given.get("headers_removed") === "on" ? { headers: null } : {}),
  };
}

function headersOf(given: FormData): Record<string, string> | undefined {
  const lines = linesOf(given, "headers");
  if (lines.length === 0) return undefined;
  const pairs = lines.map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1)
      throw new ApiError({
        status: 422,
        reason: "VALIDATION",
        errors: [{ field: "headers", reason: "INVALID" }],
      });
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  });
  return Object.fromEntries(pairs);
}

/** `error` with what was refused of one header said of all of them, which are one field here. */
export function withHeadersAsOne(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const errors = error.errors.map((one) =>
    one.field.startsWith("headers") ? { ...one, field: "headers" } : one,
  );
  return new ApiError(
    { ...error.problem, status: error.status, errors } as ConstructorParameters<typeof ApiError>[0],
    error.retryAfter,
  );
}
