import katex from "katex";
import "katex/dist/katex.min.css";

/** Draws a formula into `host`. False: it is no formula, and `host` is empty. */
export function draw(host: HTMLElement, source: string, display: boolean): boolean {
  try {
    katex.render(source, host, {
      displayMode: display,
      throwOnError: true,
      strict: "ignore",
      trust: false,
      maxExpand: 1000,
      maxSize: 20,
    });
    return true;
  } catch {
    // Whatever a model wrote there is shown as it wrote it.
    host.replaceChildren();
    return false;
  }
}
