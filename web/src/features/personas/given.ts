import type { Schema } from "../../api";
import { linesOf, parametersOf, textOf } from "../parameters/parse";

const MOST_OF_NAME = 64;
// A joiner is a part of words in some scripts; in emoji it and the variation selectors are of pictures.
const NOT_IN_NAMES =
  /(?!(?<=[\p{L}\p{M}])[\u200c\u200d](?=\p{L}))[^\p{L}\p{N}\p{M} ._-]|[\ufe00-\ufe0f]/gu;
const ENDS = /^[ ._-]+|[ ._-]+$/g;

/** What the form of a persona says. Without a name it is called as it is titled, by what names may have. */
export function personaOfForm(given: FormData): Schema<"NewPersona"> {
  const title = textOf(given, "title");
  const prompt = given.get("prompt");
  return {
    name: textOf(given, "name") || nameOf(title),
    title,
    description: textOf(given, "description"),
    // Word for word: what stands at its ends may be meant.
    prompt: typeof prompt === "string" ? prompt : "",
    model: textOf(given, "model") || null,
    parameters: parametersOf(given),
    starters: linesOf(given, "starters"),
  };
}

function nameOf(title: string): string {
  const said = title.replace(NOT_IN_NAMES, " ").replace(/ {2,}/g, " ").replace(ENDS, "");
  return Array.from(said).slice(0, MOST_OF_NAME).join("").replace(ENDS, "");
}
