import { expect, test } from "vitest";
import { pause } from "./backoff";

test("pauses grow to ten seconds, and a code that says why has its own", () => {
  const growing = [0, 1, 2, 3, 4, 5, 6].map((failures) => pause(1006, failures, 1));
  expect(growing).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect(pause(1006, 0, 0)).toBe(250);
  expect(pause(1012, 0, 1)).toBe(250);
  expect(pause(1012, 3, 1)).toBe(4000);
  expect(pause(1013, 0, 1)).toBe(1000);
  expect(pause(4401, 0, 1)).toBe(0);
  expect(pause(4401, 2, 1)).toBe(2000);
  expect(pause(4429, 0, 1)).toBe(30_000);
});
