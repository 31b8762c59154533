import { expect, test } from "vitest";
import { segments } from "./segments";

const marked = (text: string, hits: [number, number][]) =>
  segments(text, hits)
    .map((piece) => (piece.hit ? `[${piece.text}]` : piece.text))
    .join("");

test("hits are marked where they stand, counted in characters and not in halves of them", () => {
  expect(marked("What is Parley?", [[8, 14]])).toBe("What is [Parley]?");
  expect(
    marked("😀😀 模型和模型", [
      [3, 5],
      [6, 8],
    ]),
  ).toBe("😀😀 [模型]和[模型]");
});

test("hits that touch, overlap or begin a text lose and repeat nothing", () => {
  expect(
    marked("abcdef", [
      [0, 2],
      [2, 4],
    ]),
  ).toBe("[ab][cd]ef");
  expect(
    marked("abcdef", [
      [0, 3],
      [2, 4],
    ]),
  ).toBe("[abc][d]ef");
  expect(marked("abc", [])).toBe("abc");
  expect(marked("", [])).toBe("");
});
