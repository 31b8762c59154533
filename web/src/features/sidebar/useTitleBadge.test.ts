import { afterEach, expect, test, vi } from "vitest";
import type { Notice } from "../../stream";
import { countInTitle } from "./useTitleBadge";

let listener: (notice: Notice) => void = () => {};
let stop: () => void;

function begin() {
  document.head.innerHTML = '<link rel="icon" href="/icon.svg">';
  document.title = "A chat";
  stop = countInTitle((given) => {
    listener = given;
    return () => {};
  });
}

const hide = (hidden: boolean) => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
};
const icon = () => document.querySelector("link[rel=icon]")?.getAttribute("href");
const ended = (status = "completed") => listener({ topic: "runs", change: "ended", status });

afterEach(() => stop());

test("answers that end while nobody sees the page are counted, until somebody does", async () => {
  begin();
  ended();
  expect(document.title).toBe("A chat");
  hide(true);
  ended();
  ended("failed");
  ended("cancelled");
  listener({ topic: "runs", change: "started" });
  expect(document.title).toBe("(2) A chat");
  expect(icon()).toBe("/icon-new.svg");
  document.title = "Another name";
  await vi.waitFor(() => expect(document.title).toBe("(2) Another name"));
  hide(false);
  expect(document.title).toBe("Another name");
  expect(icon()).toBe("/icon.svg");
});

test("with the page goes the count", () => {
  begin();
  hide(true);
  ended();
  stop();
  expect(document.title).toBe("A chat");
});
