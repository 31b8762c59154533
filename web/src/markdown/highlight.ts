import { createLowlight } from "lowlight";
import { languageOf, loaders } from "./languages";

const lowlight = createLowlight();

export type CodeNode = ReturnType<typeof lowlight.highlight>["children"][number];

/** The code as nodes, or undefined for a language that nobody knows here. */
export async function highlight(code: string, name: string): Promise<CodeNode[] | undefined> {
  const language = languageOf(name);
  const load = language === undefined ? undefined : loaders[language];
  if (language === undefined || load === undefined) return undefined;
  if (!lowlight.registered(language)) lowlight.register(language, (await load()).default);
  return lowlight.highlight(language, code).children;
}
