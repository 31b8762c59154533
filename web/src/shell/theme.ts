import { readStored, writeStored } from "../ui/storage";

export type Theme = "system" | "light" | "dark";

/** The theme that this browser shows; public/theme.js reads it before the first drawing. */
export function shownTheme(): Theme {
  const stored = readStored("theme");
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function applyTheme(theme: Theme): void {
  writeStored("theme", theme === "system" ? null : theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
