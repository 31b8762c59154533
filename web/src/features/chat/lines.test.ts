import { expect, test } from "vitest";
import { isLonger } from "./lines";

test.each([
  ["", false],
  ["a\nb\nc", false],
  ["a\n\nb\nc", true],
  ["x".repeat(30), false],
  ["x".repeat(31), true],
  ["茶".repeat(15), false],
  ["茶".repeat(16), true],
  [`${"x".repeat(11)}\n${"x".repeat(11)}`, true],
])("%j takes more than three lines of ten: %s", (text, longer) => {
  expect(isLonger(text, 3, 10)).toBe(longer);
});
