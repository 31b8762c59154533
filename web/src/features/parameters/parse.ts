import { ApiError, type Schema } from "../../api";

type Parameters = Schema<"GenerationParameters">;

const EFFORTS = ["none", "minimal", "low", "medium", "high"] as const;
export type Effort = (typeof EFFORTS)[number];
export const efforts: readonly Effort[] = EFFORTS;

const NUMBERS = ["temperature", "top_p", "max_tokens"] as const;

/** The text of a field, without the spaces around it. */
export function textOf(given: FormData, name: string): string {
  const value = given.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/** The lines of a field that say something. */
export function linesOf(given: FormData, name: string): string[] {
  return textOf(given, name)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/**
 * What the fields of parameters say, null for those that were left empty. Throws ApiError as the
 * server would, naming the field, where a number is none.
 */
export function parametersOf(given: FormData): Parameters {
  const found: Parameters = {};
  const wrong: { field: string; reason: string }[] = [];
  for (const name of NUMBERS) {
    // People write a decimal comma where their language does.
    const text = textOf(given, `parameters.${name}`).replace(",", ".");
    const value = Number(text);
    if (text !== "" && !Number.isFinite(value))
      wrong.push({ field: `parameters.${name}`, reason: "INVALID" });
    found[name] = text === "" ? null : value;
  }
  if (wrong.length > 0) throw new ApiError({ status: 422, reason: "VALIDATION", errors: wrong });
  const stop = linesOf(given, "parameters.stop");
  found.stop = stop.length > 0 ? stop : null;
  const effort = textOf(given, "parameters.reasoning_effort");
  found.reasoning_effort = EFFORTS.find((one) => one === effort) ?? null;
  return found;
}
