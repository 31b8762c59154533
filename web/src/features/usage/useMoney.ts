import { useMemo } from "react";
import { LANGUAGES, useLanguage } from "../../i18n";
import type { Sums } from "./requests";

/** How costs are written: of little money four digits that count. */
export function useMoney() {
  const { language } = useLanguage();
  return useMemo(() => {
    const tag = LANGUAGES[language].tag;
    const one = (amount: number, currency: string) =>
      new Intl.NumberFormat(tag, {
        style: "currency",
        currency,
        ...(amount !== 0 && Math.abs(amount) < 1 && { maximumSignificantDigits: 4 }),
      }).format(amount);
    return {
      one: (amount: string | number, currency: string) => one(Number(amount), currency),
      all: (costs: Sums["costs"]) =>
        costs.map(({ amount, currency }) => one(Number(amount), currency)).join(" + "),
    };
  }, [language]);
}
