import { expect, it } from "vitest";
import { titleOf } from "./titleOf";

it.each([
  ["## Why is `async` **so** *slow*", "Why is async so slow"],
  ["``a`b`` ~~old~~", "a`b old"],
  ["**Explain the difference between…", "Explain the difference between…"],
  ["2 * 3 * 4, **kwargs, snake_case_name, #tag", "2 * 3 * 4, **kwargs, snake_case_name, #tag"],
  ["5*3*2", "5*3*2"],
  ["", ""],
])("%s is shown as %s", (title, shown) => {
  expect(titleOf({ title, title_by: "first_line" })).toBe(shown);
  expect(titleOf({ title, title_by: "user" })).toBe(title);
});
