import type { Token } from "markdown-it";
import { describe, expect, it } from "vitest";
import { HOSTILE, MATHS } from "./corpus.testing";
import { cpuOf } from "./cpu.testing";
import { noteOf } from "./footnote-rules";
import { decided } from "./incomplete";
import { BLOCK_LIMIT, parse } from "./parser";

function leaves(text: string, open = false): Token[] {
  return parse(text, open).blocks.flatMap((block) =>
    block.tokens.flatMap((token) => token.children ?? [token]),
  );
}

const formulas = (text: string) =>
  leaves(text)
    .filter((token) => token.type.startsWith("maths"))
    .map((token) => token.content.trim());

const strong = (text: string) => {
  const tokens = leaves(text);
  return tokens.flatMap((token, at) =>
    token.type === "strong_open" ? [tokens[at + 1]?.content] : [],
  );
};

const links = (text: string) =>
  leaves(text)
    .filter((token) => token.type === "link_open")
    .map((token) => token.attrGet("href"));

describe("maths", () => {
  it.each(MATHS)("of %j", (line, ...expected) => {
    expect(formulas(line)).toEqual(expected);
  });

  it("loses no character of what is none", () => {
    for (const [line, ...found] of MATHS) {
      if (found.length > 0 || /[\\`*]/.test(line)) continue;
      const text = leaves(line).map(
        (token) => token.content || (token.type.endsWith("break") ? "\n" : ""),
      );
      expect(text.join("")).toBe(line);
    }
  });
});

describe("Chinese", () => {
  it.each([
    ["**注意。**这里", "注意。"],
    ["请看**《红楼梦》**一书", "《红楼梦》"],
    ["他说**“好”**了", "“好”"],
    ["**第一，**先做", "第一，"],
    ["这是**重点**。", "重点"],
    ["**「引用」**は", "「引用」"],
    ["**한국어(조선말)**는", "한국어(조선말)"],
  ])("%s has its emphasis", (text, expected) => {
    expect(strong(text)).toEqual([expected]);
  });

  it("ends an address where Chinese begins", () => {
    expect(links("看https://a.com/b这里，https://b.com/x。好")).toEqual([
      "https://a.com/b",
      "https://b.com/x",
    ]);
  });
});

describe("links", () => {
  it("lead to http, https and mailto alone", () => {
    expect(links("[a](https://x.y) [b](http://x.y) [c](mailto:a@b.c) <https://z.z>")).toHaveLength(
      4,
    );
    const others = [
      "javascript:alert(1)",
      "data:text/html,x",
      "/path",
      "#x",
      "vbscript:x",
      "file:///x",
    ];
    for (const address of [...others, "&#106;avascript:x", "java\tscript:x", "JaVaScRiPt:x"]) {
      expect(links(`[a](${address}) [b]: ${address}\n\n[c]: ${address}\n\n[c]`)).toEqual([]);
    }
  });
});

describe("footnotes", () => {
  /** What is a mark, by number and turn; what is a note, by number, label and how many lead there. */
  const found = (text: string) => {
    const { blocks } = parse(text, false);
    const marks = leaves(text).filter(({ type }) => type === "footnote_mark");
    const notes = blocks.flatMap(({ tokens }) => noteOf(tokens) ?? []);
    return [
      marks.map(({ meta }) => `${meta?.number}.${meta?.nth}`).join(" "),
      notes.map((note) => `${note.number} ${note.label} ${note.marks}`).join(", "),
    ];
  };

  it.each([
    [
      "by the order of their marks",
      "[^b][^a][^b]\n\n[^a]: x\n[^b]: y",
      "1.1 2.1 1.2",
      "2 a 1, 1 b 2",
    ],
    [
      "with marks in notes behind those of the text",
      "[^2]: x[^1]\n[^1]: y\n\na[^2]",
      "2.1 1.1",
      "1 2 1, 2 1 1",
    ],
    ["of which nothing is said last", "[^a]: x\n[^b]: y\n\nz[^b]", "1.1", "2 a 0, 1 b 1"],
    ["of which two have one label", "z[^a]\n\n[^a]: x\n[^a]: y", "1.1", "1 a 1, 2 a 0"],
    ["right behind a list and a quote", "- [^a]\n[^a]: x\n\n> y\n[^b]: z", "1.1", "1 a 1, 2 b 0"],
    ["not links, where they are an address", "a[^1]\n\n[^1]: https://x.y", "1.1", "1 1 1"],
    ["not within a link", "[a [^1]](https://x.y)\n\n[^1]: x", "", "1 1 0"],
    ["not in quotes and lists", "a[^1]\n\n> [^1]: x\n\n- [^1]: x", "", ""],
    ["not without their text", "a[^1], [^a b], [^], `[^1]`", "", ""],
  ])("are numbered %s", (_what, text, marks, notes) => {
    expect(found(text)).toEqual([marks, notes]);
  });

  it("are known by their labels while they come, once it is clear that they are any", () => {
    const types = (text: string) => leaves(decided(text), true).map(({ type }) => type);
    for (const text of ["a[^", "a[^1", "a\n[^1]", "a\n[^1]:", "a\n[^1]: "]) {
      expect(types(text)).toEqual(["paragraph_open", "text", "paragraph_close"]);
    }
    expect(types("a[^1]")).toContain("footnote_mark");
    expect(types("a[^a-z]")).not.toContain("footnote_mark");
  });
});

describe("what is too much", () => {
  it.each(Object.entries(HOSTILE))("%s takes less than half a second", (_name, text) => {
    for (const open of [false, true]) {
      let { blocks } = parse("", open);
      const taken = cpuOf(() => {
        ({ blocks } = parse(text, open));
      });
      expect(taken).toBeLessThan(500);
      expect(blocks.map((block) => block.source).join("")).toBe(text);
    }
  });

  it("is plain text, whole", () => {
    const long = "word *and* ".repeat(BLOCK_LIMIT / 10);
    expect(leaves(long).map((token) => [token.type, token.content])).toEqual([["plain", long]]);
    const deep = `${"> ".repeat(60)}deep`;
    expect(leaves(`a\n\n${deep}`).at(-1)?.content).toBe(deep);
  });

  it("is no reason to fold code up", () => {
    const code = "x = 1\n".repeat(20_000);
    expect(leaves(`\`\`\`\n${code}\`\`\``)[0]).toMatchObject({ type: "fence", content: code });
  });
});

describe("an open end", () => {
  it.each([
    ["some **bo", "bo"],
    ["**重点", "重点"],
    ["**a** and **b \\(x_1", "b "],
  ])("%s is emphasised already", (text, expected) => {
    expect(
      leaves(text, true).some((token, at, all) => {
        return token.content === expected && all[at - 1]?.type === "strong_open";
      }),
    ).toBe(true);
  });

  it("says that a fence and a formula are open", () => {
    expect(leaves("```js\na", true)[0]?.meta).toEqual({ open: true });
    expect(leaves("```js\na\n```\n", true)[0]?.meta).toEqual({ open: false });
    expect(leaves("so \\(x", true)[2]?.meta).toEqual({ display: false, open: true });
    expect(leaves("$$\nx", true)[0]?.meta).toEqual({ display: true, open: true });
  });
});
