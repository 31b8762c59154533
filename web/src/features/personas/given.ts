import type { Schema } from "../../api";
import { linesOf, parametersOf, textOf } from "../parameters/parse";

/** What the form of a persona says. Without a name it is called as it is titled. */
export function personaOfForm(given: FormData): Schema<"NewPersona"> {
  const title = textOf(given, "title");
  const prompt = given.get("prompt");
  return {
    name: textOf(given, "name") || title,
    title,
    description: textOf(given, "description"),
    // Word for word: what stands at its ends may be meant.
    prompt: typeof prompt === "string" ? prompt : "",
    model: textOf(given, "model") || null,
    parameters: parametersOf(given),
    starters: linesOf(given, "starters"),
  };
}
