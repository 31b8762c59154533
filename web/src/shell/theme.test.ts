import { beforeEach, expect, test } from "vitest";
import { applyTheme } from "./theme";

beforeEach(() => {
  localStorage.clear();
  document.head.innerHTML = `
    <meta name="theme-color" content="#fff" media="(prefers-color-scheme: light)" />
    <meta name="theme-color" content="#111" media="(prefers-color-scheme: dark)" />`;
});

const bars = () => [...document.querySelectorAll("meta")].map((meta) => meta.getAttribute("media"));

test("a theme is shown, remembered, and the phone's bars follow it", () => {
  applyTheme("dark");
  expect(document.documentElement.dataset.theme).toBe("dark");
  expect(localStorage.getItem("parley.theme")).toBe("dark");
  expect(bars()).toEqual(["not all", "all"]);
  applyTheme("light");
  expect(bars()).toEqual(["all", "not all"]);
});

test("the device's theme needs no memory", () => {
  applyTheme("dark");
  applyTheme("system");
  expect(document.documentElement.dataset.theme).toBeUndefined();
  expect(localStorage.getItem("parley.theme")).toBeNull();
  expect(bars()).toEqual(["(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"]);
});
