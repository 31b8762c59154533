import {
  act,
  cleanup,
  fireEvent,
  getAllByRole,
  getByRole,
  render,
  screen,
  waitFor,
} from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { htmlOf } from "./clipboard";
import { ANSWERS } from "./corpus.testing";
import JOINED from "./joined.testing.json";
import { Markdown } from "./markdown";

afterEach(cleanup);
// KaTeX draws nothing where a page has no doctype, and this one is not to be told.
Object.defineProperty(document, "compatMode", { value: "CSS1Compat" });

const HARMFUL = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "<iframe src=javascript:alert(1)>",
  "<a href='javascript:alert(1)'>x</a>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](vbscript:msgbox(1))",
  "<javascript:alert(1)>",
  "![x](javascript:alert(1))",
  "![x](data:image/svg+xml,<svg onload=alert(1)>)",
  '![x](https://x.y/z.png"onerror="alert(1))',
  '[x](https://x.y "\\" onclick=alert(1)")',
  '```"><script>alert(1)</script>\ncode\n```',
  "`<script>alert(1)</script>`",
  "| <script>alert(1)</script> |\n|---|\n| <b onclick=alert(1)>x</b> |",
  "$\\href{javascript:alert(1)}{x}$",
  "$$\\includegraphics{javascript:alert(1)}$$",
  "$\\htmlData{onclick=alert(1)}{x}$",
  "[a]: javascript:alert(1)\n\n[a]",
  "- [ ] <script>alert(1)</script>",
  '[^"><img/onerror=alert(1)>]\n\n[^"><img/onerror=alert(1)>]: [x](javascript:alert(1))',
  "# <style>*{display:none}</style>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
];

describe("what is harmful", () => {
  it.each(HARMFUL)("%s is text", async (text) => {
    for (const shown of [text, `> ${text}`, `a ${text} b`]) {
      const { container, unmount } = render(<Markdown text={shown} />);
      await act(async () => vi.dynamicImportSettled());
      expect(container.querySelector("script, img, iframe, style, object, form")).toBeNull();
      for (const element of container.querySelectorAll("*")) {
        for (const name of element.getAttributeNames()) expect(name).not.toMatch(/^on/);
        const href = element.getAttribute("href");
        // Of a footnote: to a place of the same text.
        if (href?.startsWith("#")) expect(container.querySelector(href)).not.toBeNull();
        else if (href !== null) expect(href).toMatch(/^https?:/);
      }
      unmount();
    }
  });

  it("shows HTML as it was written", () => {
    render(<Markdown text="a <b onclick=x>c</b> &amp; d" />);
    expect(screen.getByText("a <b onclick=x>c</b> & d")).toBeTruthy();
  });
});

describe("a streamed answer", () => {
  it("adds to the page, and hardly ever takes away", async () => {
    const text = Array.from({ length: 6 }, () => ANSWERS.mixed).join("\n\n");
    const { container, rerender } = render(<Markdown text="" open />);
    let removed = 0;
    const observer = new MutationObserver((records) => {
      for (const record of records) removed += record.removedNodes.length;
    });
    observer.observe(container, { childList: true, subtree: true });
    for (let end = 40; end < text.length; end += 25) {
      rerender(<Markdown text={text.slice(0, end)} open />);
      await act(async () => vi.dynamicImportSettled());
    }
    rerender(<Markdown text={text} />);
    await act(async () => vi.dynamicImportSettled());
    for (const record of observer.takeRecords()) removed += record.removedNodes.length;
    expect(text.length).toBeGreaterThan(2_800);
    // Of each formula its source, of each piece of code its plain text, and little else.
    expect(removed).toBeLessThan(60);

    const streamed = container.textContent;
    const whole = render(<Markdown text={text} />);
    await act(async () => vi.dynamicImportSettled());
    expect(whole.container.textContent).toBe(streamed);
  });

  it("shows what waits for its turn in the end", async () => {
    const { container, rerender } = render(<Markdown text="one" open />);
    rerender(<Markdown text="one two" open />);
    rerender(<Markdown text="one two three" open />);
    await waitFor(() => expect(container.textContent).toBe("one two three"));
  });
});

describe("drawing", () => {
  it("draws formulas, and shows the source of what is none", async () => {
    const { container } = render(<Markdown text={"$x^2$ and $\\frac{a$ and \\(\\unknown\\)"} />);
    await waitFor(() => expect(container.querySelectorAll(".katex")).toHaveLength(1));
    expect(container.textContent).toContain("$\\frac{a$");
    expect(container.textContent).toContain("\\(\\unknown\\)");
  });

  it("colours code that is whole", async () => {
    const { container, rerender } = render(<Markdown text={"```js\nconst a = 1"} open />);
    await act(async () => vi.dynamicImportSettled());
    expect(container.querySelector(".hljs-keyword")).toBeNull();
    rerender(<Markdown text={"```js\nconst a = 1;\n```"} />);
    await waitFor(() =>
      expect(container.querySelector(".hljs-keyword")?.textContent).toBe("const"),
    );
    expect(container.querySelector("code")?.textContent).toBe("const a = 1;");
  });

  it("folds long code that was there, not code that is being written", () => {
    const code = (end: string) => `\`\`\`\n${"x\n".repeat(50)}${end}`;
    const { rerender, unmount } = render(<Markdown text={code("")} open />);
    rerender(<Markdown text={code("```")} />);
    expect(screen.getByRole("button", { name: "Show fewer lines" })).toBeTruthy();
    unmount();
    render(<Markdown text={code("```")} />);
    expect(screen.getByRole("button", { name: "Show all 50 lines" })).toBeTruthy();
  });

  it("begins its headings at the third level, however they were written", () => {
    const levels = (text: string) => {
      const { container, unmount } = render(<Markdown text={text} />);
      const tags = [...container.querySelectorAll("[data-level]")].map(({ tagName }) => tagName);
      unmount();
      return tags;
    };
    expect(levels("# a\n\n## b\n\n#### c")).toEqual(["H3", "H4", "H6"]);
    expect(levels("### a\n\n#### b\n\n# c")).toEqual(["H3", "H4", "H3"]);
  });

  it("leads from a mark to its footnote and back, in each text by itself", () => {
    const text = "a[^x] b[^x]\n\n[^x]: *note*\n\nc";
    for (const place of ["one", "two"]) {
      const { container } = render(<Markdown text={text} />);
      container.dataset.testid = place;
    }
    const within = (place: string) => screen.getByTestId(place);
    for (const place of ["two", "one"]) {
      const [first, second] = getAllByRole(within(place), "doc-noteref", { name: "Footnote 1" });
      fireEvent.click(second as HTMLElement);
      const note = within(place).querySelector("[role=doc-endnotes] li");
      expect(document.activeElement).toBe(note);
      expect(note?.textContent).toBe("note↩︎↩︎2");
      const name = "Back to footnote 1 in the text";
      fireEvent.click(getByRole(within(place), "doc-backlink", { name }));
      expect(document.activeElement).toBe(first);
    }
    expect(location.hash).toBe("");
    expect(within("one").textContent).toBe("a[1] b[1]cnote↩︎↩︎2");
    expect(htmlOf(within("one").firstElementChild as Element)).toBe(
      "<p>a<sup><a>[1]</a></sup> b<sup><a>[1]</a></sup></p><p>c</p>" +
        "<section><ol><li><p><em>note</em></p></li></ol></section>",
    );
  });

  it("shows footnotes as they come, and what is none as it was written", () => {
    const text = "a[^7] b[^8]\n\n[^7]: note\n\nc";
    const { container, rerender } = render(<Markdown text={text} open />);
    expect(container.textContent).toBe("a[7] b[8]cnote");
    expect(container.querySelector("[role=doc-endnotes] li")?.getAttribute("value")).toBe("7");
    rerender(<Markdown text={text} />);
    expect(container.textContent).toBe("a[1] b[^8]cnote↩︎");
  });

  it("makes lists of tasks, and numbers that begin elsewhere", () => {
    const { container } = render(<Markdown text={"- [x] done\n- [ ] to do\n\n3. three"} />);
    const boxes = screen.getAllByRole("checkbox") as HTMLInputElement[];
    expect(boxes.map((box) => box.checked)).toEqual([true, false]);
    expect(screen.getByRole("checkbox", { name: "done" })).toBeTruthy();
    expect(container.querySelector("ol")?.getAttribute("start")).toBe("3");
  });
});

describe("marks within a word", () => {
  // chat-service looks behind them for words that are not to be said, and has these texts from here.
  it.each(JOINED)("are not shown: %j", (text) => {
    const { container } = render(<Markdown text={text} />);
    expect(container.textContent).toContain("secret");
  });
});
