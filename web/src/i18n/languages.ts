import { readStored } from "../ui/storage";

/** The languages there are a catalogue of: each by its own name. */
export const LANGUAGES = {
  en: { name: "English", tag: "en" },
  zh: { name: "简体中文", tag: "zh-CN" },
} as const;

export type Language = keyof typeof LANGUAGES;

/** The language of a tag such as `zh-Hant-TW`, if there is a catalogue of it. */
export function languageOf(tag: string | null | undefined): Language | undefined {
  const primary = tag?.toLowerCase().split("-")[0];
  return primary === "en" || primary === "zh" ? primary : undefined;
}

/** By which tag times and numbers are written: English has as many ways as the browser's own has regions. */
export function formatTag(language: Language): string {
  const regional = navigator.languages.find((tag) => languageOf(tag) === language);
  return (language === "en" && regional) || LANGUAGES[language].tag;
}

/** What was chosen here, else the first of the browser's languages that is known, else English. */
export function chosenLanguage(chosen = readStored("language")): Language {
  const known = [chosen, ...navigator.languages].map(languageOf);
  return known.find((language) => language !== undefined) ?? "en";
}
