// A terminal that a text is pasted into would obey these, and nobody sees them on the page.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

interface Copied {
  text: string;
  /** The same with its form, for word processors. */
  html?: string;
}

/** Puts what can be seen of a text on the clipboard, also where the page is not of a secure origin. Rejects if it could not. */
export async function copy({ text, html }: Copied): Promise<void> {
  const items: Record<string, string> = { "text/plain": text.replace(CONTROLS, "") };
  if (html !== undefined) items["text/html"] = html.replace(CONTROLS, "");
  if (navigator.clipboard !== undefined && "write" in navigator.clipboard) {
    const blobs = Object.entries(items).map(([type, data]) => [type, new Blob([data], { type })]);
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
    return;
  }
  copyByCommand(items);
}

function copyByCommand(items: Record<string, string>): void {
  let put = false;
  const give = (event: ClipboardEvent) => {
    for (const [type, data] of Object.entries(items)) event.clipboardData?.setData(type, data);
    event.preventDefault();
    event.stopImmediatePropagation();
    put = event.clipboardData !== null;
  };
  document.addEventListener("copy", give, { capture: true, once: true });
  const done = document.execCommand("copy");
  document.removeEventListener("copy", give, { capture: true });
  if (!done || !put) throw new Error("The browser copied nothing.");
}

const KEPT = new Set(["colspan", "rowspan", "start", "href", "align", "xmlns", "display"]);

/** What is shown in `element`, as plain HTML: no buttons, classes or styles, formulas as MathML. */
export function htmlOf(element: Element): string {
  const clone = element.cloneNode(true) as Element;
  for (const gone of clone.querySelectorAll(
    "button, [data-chrome], .katex-html, [hidden], annotation",
  )) {
    gone.remove();
  }
  for (const heading of clone.querySelectorAll<HTMLElement>("[data-level]")) {
    const { level = "h3" } = heading.dataset;
    const own = document.createElement(level);
    own.append(...heading.childNodes);
    heading.replaceWith(own);
  }
  for (const one of [clone, ...clone.querySelectorAll("*")]) {
    for (const name of one.getAttributeNames()) if (!KEPT.has(name)) one.removeAttribute(name);
    // It leads to a place of this page.
    if (one.getAttribute("href")?.startsWith("#")) one.removeAttribute("href");
  }
  return clone.innerHTML;
}
