import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { writeStored } from "../ui/storage";
import { toast } from "../ui/toast";
import { en, type Texts } from "./en";
import { chosenLanguage, LANGUAGES, type Language } from "./languages";

export { LANGUAGES, type Language, type Texts };

/** A language and its catalogue. */
export interface Spoken {
  language: Language;
  texts: Texts;
}

/** A language with its catalogue, fetched if it is not here yet; English if it does not come. */
export async function loadTexts(language: Language): Promise<Spoken> {
  if (language === "zh") {
    try {
      return { language, texts: (await import("./zh")).zh };
    } catch {
      // A page in the other language is better than none; the browser's console says what failed.
    }
  }
  return { language: "en", texts: en };
}

interface Speaking extends Spoken {
  /** Shows another language, or again the browser's; what cannot be shown now is from the next load on. */
  setLanguage: (language: Language | undefined) => Promise<void>;
}

const Context = createContext<Speaking>({
  language: "en",
  texts: en,
  setLanguage: async () => undefined,
});

/** Gives the texts to the page. `first` was loaded before. */
export function TextProvider({ first, children }: { first: Spoken; children: ReactNode }) {
  const [shown, setShown] = useState(first);
  const setLanguage = useCallback(async (wanted: Language | undefined) => {
    const language = wanted ?? chosenLanguage(null);
    const got = await loadTexts(language);
    writeStored("language", wanted ?? null);
    document.documentElement.lang = LANGUAGES[got.language].tag;
    setShown(got);
    if (got.language !== language) toast.show({ text: got.texts.errors.UNKNOWN, tone: "danger" });
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
