import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { writeStored } from "../ui/storage";
import { en } from "./en";
import { chosenLanguage, LANGUAGES, type Language } from "./languages";

export type Texts = typeof en;
export { LANGUAGES, type Language };

const loaded: Partial<Record<Language, Texts>> = { en };

/** The catalogue of a language, fetched if it is not here yet. */
export async function loadTexts(language: Language): Promise<Texts> {
  if (language === "zh") loaded.zh ??= (await import("./zh")).zh;
  return loaded[language] ?? en;
}

interface Spoken {
  language: Language;
  texts: Texts;
  /** Shows another language, or again the browser's. */
  setLanguage: (language: Language | undefined) => Promise<void>;
}

const Context = createContext<Spoken>({
  language: "en",
  texts: en,
  setLanguage: async () => undefined,
});

/** Gives the texts to the page. `first` is the catalogue of `chosenLanguage()`, loaded before. */
export function TextProvider({ first, children }: { first: Texts; children: ReactNode }) {
  const [shown, setShown] = useState({ language: chosenLanguage(), texts: first });
  const setLanguage = useCallback(async (wanted: Language | undefined) => {
    const language = wanted ?? chosenLanguage(null);
    const texts = await loadTexts(language);
    writeStored("language", wanted ?? null);
    document.documentElement.lang = LANGUAGES[language].tag;
    setShown({ language, texts });
  }, []);
  const spoken = useMemo(() => ({ ...shown, setLanguage }), [shown, setLanguage]);
  return <Context value={spoken}>{children}</Context>;
}

/** What the page says, by room: `t.chat.send`. */
export function useText(): Texts {
  return useContext(Context).texts;
}

/** The language that is shown, and how to change it. */
export function useLanguage() {
  const { language, setLanguage } = useContext(Context);
  return { language, setLanguage };
}
