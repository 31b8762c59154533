import { beforeEach, expect, test } from "vitest";
import { keptWish, rememberKept, takesKept } from "./kept";

beforeEach(() => localStorage.clear());

test("nobody takes kept answers who has not said so", () => {
  expect(takesKept()).toBe(false);
  expect(keptWish()).toEqual({});
});

test("what was said is remembered, and can be taken back", () => {
  rememberKept(true);
  expect(keptWish()).toEqual({ cache: true });
  rememberKept(false);
  expect(keptWish()).toEqual({});
});
