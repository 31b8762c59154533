import { writeStored } from "../ui/storage";

export type Theme = "system" | "light" | "dark";

/** Shows a theme; public/theme.js does before the first drawing, by what is remembered here. */
export function applyTheme(theme: Theme): void {
  writeStored("theme", theme === "system" ? null : theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
