export const chat = {
  copyCode: "Copy the code",
  copyMarkdown: "Copy as Markdown",
  copyTable: "Copy the table",
  foldLines: "Show fewer lines",
  image: (text: string, host: string) => `Image: ${text || "without a description"} (${host})`,
  notCopied: "The browser did not let the page copy.",
  showLines: (lines: number) => `Show all ${lines} lines`,
  table: "Table",
  wrapLines: "Wrap long lines",
};
