// Runs before any style is read, so that no page flashes in the other theme or language.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("parley.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    const language = localStorage.getItem("parley.language");
    if (language) root.lang = language === "zh" ? "zh-CN" : language;
  } catch {
    // Storage is closed to us: the device's theme and the browser's language hold.
  }
})();
