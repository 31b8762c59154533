import { beforeEach, expect, test, vi } from "vitest";
import { session } from "../../session";
import { continued, openings } from "./openings";

beforeEach(() => sessionStorage.clear());

test("an opening is kept for its own share", () => {
  expect(openings.of("one")).toBeUndefined();
  openings.keep("one", "an opening");
  expect(openings.of("one")).toBe("an opening");
  expect(openings.of("another")).toBeUndefined();
});

test("what a tab may show or was to continue is forgotten at the log-out", () => {
  openings.keep("one", "an opening");
  continued.ask("one");
  session.ended();
  expect(openings.of("one")).toBeUndefined();
  expect(continued.take("one")).toBe(false);
});

test("what is to be continued is continued once, and nothing else is", () => {
  continued.ask("one");
  expect(continued.take("another")).toBe(false);
  expect(continued.take("one")).toBe(true);
  expect(continued.take("one")).toBe(false);
});

test("without storage both live as long as the page", () => {
  for (const name of ["getItem", "setItem", "removeItem"] as const)
    vi.spyOn(Storage.prototype, name).mockImplementation(() => {
      throw new DOMException("closed");
    });
  openings.keep("one", "an opening");
  continued.ask("one");
  expect(openings.of("one")).toBe("an opening");
  expect(continued.take("one")).toBe(true);
  expect(continued.take("one")).toBe(false);
});
