import { afterEach, describe, expect, it, vi } from "vitest";
import { copy, htmlOf } from "./clipboard";

afterEach(() => vi.unstubAllGlobals());

describe("what goes to a word processor", () => {
  it("is the text's own form, without the page's", () => {
    const shown = document.createElement("div");
    shown.innerHTML =
      '<h3 data-level="h1" class="x">T</h3><p style="color:red">a <a href="https://x.y/" target="_blank">b</a></p>' +
      "<figure><figcaption data-chrome>js<button>Copy</button></figcaption><pre><code>c</code></pre></figure>" +
      '<span class="katex"><math xmlns="m"><mi>x</mi><annotation>x</annotation></math><span class="katex-html">x</span></span>';
    expect(htmlOf(shown)).toBe(
      '<h1>T</h1><p>a <a href="https://x.y/">b</a></p><figure><pre><code>c</code></pre></figure>' +
        '<span><math xmlns="m"><mi>x</mi></math></span>',
    );
    expect(shown.querySelector("button")).not.toBeNull();
  });
});

describe("copying", () => {
  it("puts both forms on the clipboard", async () => {
    const write = vi.fn(async (_items: ClipboardItem[]) => undefined);
    vi.stubGlobal("navigator", { clipboard: { write } });
    await copy({ text: "# a", html: "<h1>a</h1>" });
    const item = write.mock.lastCall?.[0][0];
    expect(item?.types).toEqual(["text/plain", "text/html"]);
  });

  it("works where the origin is not secure, without what a terminal obeys, and says so where it does not", async () => {
    vi.stubGlobal("navigator", {});
    const got: Record<string, string> = {};
    const exec = vi.fn(() => {
      const clipboardData = { setData: (type: string, data: string) => (got[type] = data) };
      document.dispatchEvent(Object.assign(new Event("copy"), { clipboardData }));
      return true;
    });
    Object.assign(document, { execCommand: exec });
    await copy({ text: "# a", html: "<h1>a</h1>" });
    expect(got).toEqual({ "text/plain": "# a", "text/html": "<h1>a</h1>" });
    await copy({ text: "a\u001b[201~\r\n\tb\u009b\u007f" });
    expect(got["text/plain"]).toBe("a[201~\r\n\tb");
    exec.mockReturnValueOnce(false);
    await expect(copy({ text: "b" })).rejects.toThrow();
  });
});
