import { expect, test } from "vitest";
import { decodeHTMLStrict } from "./entities";
import { parse } from "./parser";

test.each([
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&nbsp;", "\u00a0"],
  ["&yuml;", "ÿ"],
  ["&euro;", "€"],
  ["&rarr;", "→"],
  ["&hearts;", "♥"],
  ["&alpha;", "α"],
  ["&Alpha;", "Α"],
  ["&apos;", "'"],
  ["&lbrace;", "{"],
  ["&check;", "✓"],
])("%s", (reference, character) => {
  expect(decodeHTMLStrict(reference)).toBe(character);
});

test("what is no name that is known stays as it was written", () => {
  expect(decodeHTMLStrict("&nosuchthing;")).toBe("&nosuchthing;");
  expect(decodeHTMLStrict("&constructor;")).toBe("&constructor;");
});

test("the parser asks this table", () => {
  const said = (text: string) => JSON.stringify(parse(text, false));
  expect(said("a &rarr; b")).toContain("→");
  // In HTML 5's table alone.
  expect(said("a &Aogon; b")).toContain("&Aogon;");
});
