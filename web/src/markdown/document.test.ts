import { describe, expect, it } from "vitest";
import { ANSWERS, HOSTILE } from "./corpus.testing";
import { cpuOf } from "./cpu.testing";
import { StreamedDocument } from "./document";
import { type Block, parse } from "./parser";

/** A chance that can be repeated. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const tokens = (blocks: readonly Block[]) =>
  JSON.parse(JSON.stringify(blocks.map((one) => one.tokens)));

function withoutLines(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLines);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => name !== "map");
  return Object.fromEntries(entries.map(([name, one]) => [name, withoutLines(one)]));
}

const inOneGo = (text: string) => parse(text.replace(/\r\n?/g, "\n"), false).blocks;

describe.each(Object.entries(ANSWERS))("%s", (_name, text) => {
  it("is the same at random cuts as in one go", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = chance(seed);
      const document = new StreamedDocument();
      for (let end = 0; end < text.length; end += 1 + Math.floor(random() * 30)) {
        document.update(text.slice(0, end), true);
      }
      document.update(text, true);
      const shown = document.update(text, false);
      expect(withoutLines(tokens(shown))).toEqual(withoutLines(tokens(inOneGo(text))));
    }
  });

  it("freezes only what stays as it is", () => {
    const whole = inOneGo(text).map((block) => block.source.trim());
    const document = new StreamedDocument();
    let frozen: Block[] = [];
    for (let end = 1; end <= text.length; end++) {
      const blocks = document.update(text.slice(0, end), true);
      frozen.forEach((block, index) => {
        expect(blocks[index]).toBe(block);
      });
      frozen = blocks.filter((block, index) => index < blocks.length - 2 && block);
    }
    frozen.forEach((block, index) => {
      expect(block.source.trim()).toBe(whole[index]);
    });
  });

  it("keeps blocks at the end, unless they mean something else then", () => {
    const document = new StreamedDocument();
    const before = document.update(text, true);
    const after = document.update(text, false);
    const kept = before.slice(0, -2).every((block, index) => after[index] === block);
    expect(kept).toBe(!text.includes("]: "));
  });
});

describe("a text that grows", () => {
  it("loses no character of any prefix but what may yet be a mark", () => {
    const text = ANSWERS.mixed as string;
    for (let end = 1; end <= text.length; end++) {
      const document = new StreamedDocument();
      const shown = document.update(text.slice(0, end), true).map((block) => block.source);
      const kept = shown.join("");
      expect(text.startsWith(kept.trimStart(), text.indexOf(kept.trimStart()))).toBe(true);
      expect(text.slice(kept.length, end)).toMatch(
        /^[\s\-=*_+#>`~|$\d.:)\\[\]x]*(\|[^\n]*)?(\n\|[-:| ]*)?$/,
      );
    }
  });

  it("may be another one at any time", () => {
    const document = new StreamedDocument();
    document.update("# one\n\ntwo\n\nthree", true);
    expect(document.update("four", true).map((block) => block.source)).toEqual(["four"]);
    expect(document.update("four *five*", false)).toHaveLength(1);
    expect(document.update("four *five*\n\nsix", true)).toHaveLength(2);
  });

  it("is parsed in less than half a second at a time, whatever it is", () => {
    for (const text of Object.values(HOSTILE)) {
      const document = new StreamedDocument();
      for (let end = 5_000; end < text.length + 5_000; end += 5_000) {
        expect(cpuOf(() => document.update(text.slice(0, end), true))).toBeLessThan(500);
      }
    }
  });
});
