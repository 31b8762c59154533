import type { Texts } from "../../i18n";

/** How a parameter of the API is called on the pages; one that is not known here by its own name. */
export function parameterName(name: string, { keys }: Texts): string {
  const names: Record<string, string> = {
    temperature: keys.temperature,
    top_p: keys.topP,
    max_tokens: keys.maxTokens,
    stop: keys.stop,
    reasoning_effort: keys.effort,
  };
  return names[name] ?? name;
}

/** What a parameter is set to, in words. */
export function parameterValue(name: string, value: unknown, { keys }: Texts): string {
  if (name === "reasoning_effort") {
    const efforts: Record<string, string> = keys.efforts;
    return efforts[String(value)] ?? String(value);
  }
  return typeof value === "string" || typeof value === "number"
    ? String(value)
    : JSON.stringify(value);
}
