import { useEffect, useRef } from "react";
import { useLanguage } from "../i18n";
import { languageOf } from "../i18n/languages";
import { applyTheme } from "../shell/theme";
import { readStored } from "../ui/storage";
import { useSaveSettings, useSettings } from "./settings";

/**
 * Language and theme are as the user's settings say, on each device. Where nothing was ever set,
 * the language that was chosen here before logging in becomes the user's.
 */
export function useApplySettings(): void {
  const { data } = useSettings();
  const { mutate: save } = useSaveSettings();
  const { language, setLanguage } = useLanguage();
  const wanted = languageOf(data?.language);
  const untouched = data?.version === 0;
  const theme = data?.theme;
  const before = useRef(wanted);
  useEffect(() => {
    const given = before.current !== undefined;
    before.current = wanted;
    if (wanted !== undefined) {
      if (wanted !== language) void setLanguage(wanted);
    } else if (given) void setLanguage(undefined);
  }, [wanted, language, setLanguage]);
  useEffect(() => {
    const chosen = readStored("language");
    if (untouched && chosen !== null) save({ language: chosen });
  }, [untouched, save]);
  useEffect(() => {
    if (theme !== undefined) applyTheme(theme);
  }, [theme]);
}
