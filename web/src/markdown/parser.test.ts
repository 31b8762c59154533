import type { Token } from "markdown-it";
import { describe, expect, it } from "vitest";
import { HOSTILE, MATHS } from "./corpus.testing";
import { cpuOf } from "./cpu.testing";
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
