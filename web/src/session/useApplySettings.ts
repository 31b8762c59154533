import { useEffect } from "react";
import { useLanguage } from "../i18n";
import { languageOf } from "../i18n/languages";
import { applyTheme } from "../shell/theme";
import { useSettings } from "./settings";

/** Language and theme are as the user's settings say, on each device. */
export function useApplySettings(): void {
  const { data } = useSettings();
  const { language, setLanguage } = useLanguage();
  const wanted = languageOf(data?.language);
  const theme = data?.theme;
  useEffect(() => {
    if (wanted !== undefined && wanted !== language) void setLanguage(wanted);
  }, [wanted, language, setLanguage]);
  useEffect(() => {
    if (theme !== undefined) applyTheme(theme);
  }, [theme]);
}
