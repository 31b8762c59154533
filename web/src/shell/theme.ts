import { writeStored } from "../ui/storage";

export type Theme = "system" | "light" | "dark";

/** Shows a theme; public/theme.js does before the first drawing, by what is remembered here. */
export function applyTheme(theme: Theme): void {
  writeStored("theme", theme === "system" ? null : theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  // Phones colour their own bars by these: one for each theme.
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const own =
      meta.dataset.of ?? (meta.getAttribute("media")?.includes("dark") ? "dark" : "light");
    meta.dataset.of = own;
    const system = `(prefers-color-scheme: ${own})`;
    meta.setAttribute("media", theme === "system" ? system : own === theme ? "all" : "not all");
  }
}
