import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Notice } from "../../stream";
import { notifyOfAnswers } from "./answers";
import { NotificationSwitch } from "./NotificationSwitch";
import { isWished, wish } from "./wish";

let shown: { text: string; tag?: string; onclick?: () => void; close: () => void }[];
let answer: NotificationPermission;
/** As on Android, whose constructor is there and throws. */
let throws: boolean;
let asked: number;

class Shown {
  static permission: NotificationPermission;
  static async requestPermission() {
    asked++;
    Shown.permission = answer;
    return answer;
  }
  onclick?: () => void;
  readonly text: string;
  readonly tag: string | undefined;
  readonly close = vi.fn();
  constructor(text: string, { tag }: { tag?: string } = {}) {
    if (throws) throw new TypeError("Illegal constructor.");
    this.text = text;
    this.tag = tag;
    if (Shown.permission === "granted") shown.push(this as never);
  }
}

/** Locks as all pages of a browser have them; another page may be seen. */
function locks(others: string[]) {
  return {
    request: async () => undefined,
    query: async () => ({ held: others.map((name) => ({ name })) }),
  };
}

beforeEach(() => {
  shown = [];
  answer = "granted";
  throws = false;
  asked = 0;
  Shown.permission = "default";
  localStorage.clear();
  vi.stubGlobal("Notification", Shown);
  vi.stubGlobal("isSecureContext", true);
});
afterEach(cleanup);

const hide = (hidden: boolean) => vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

async function told(notice: Partial<Notice> = {}, others: string[] = []) {
  vi.spyOn(navigator, "locks", "get").mockReturnValue(locks(others) as never);
  const opened: string[] = [];
  let listener: (notice: Notice) => void = () => undefined;
  const stop = notifyOfAnswers(
    (given) => {
      listener = given;
      return () => true;
    },
    (failed) => (failed ? "failed" : "ready"),
    (id) => void opened.push(id),
  );
  shown = [];
  const ended = { topic: "runs", change: "ended", status: "completed" };
  listener({ ...ended, run_id: "r", session_id: "s", ...notice });
  await settled();
  stop();
  return opened;
}

test("an answer that ends while nobody sees a page is told of, and leads to its conversation", async () => {
  hide(true);
  await wish("on");
  const opened = await told();
  expect(shown).toMatchObject([{ text: "ready", tag: "r" }]);
  shown[0]?.onclick?.();
  expect(opened).toEqual(["s"]);
  expect(shown[0]?.close).toHaveBeenCalled();
  await told({ status: "failed" });
  expect(shown).toMatchObject([{ text: "failed" }]);
});

test("nothing is told of what was stopped, is seen here or elsewhere, or is not wished", async () => {
  hide(true);
  await told();
  expect(shown).toEqual([]);
  await wish("on");
  for (const notice of [{ status: "cancelled" }, { change: "started" }, { topic: "sessions" }]) {
    await told(notice);
    expect(shown).toEqual([]);
  }
  await told({}, ["parley.seen"]);
  expect(shown).toEqual([]);
  hide(false);
  await told();
  expect(shown).toEqual([]);
});

test("the browser is asked at the press, which shows how it looks, and turns it off again", async () => {
  render(<NotificationSwitch />);
  expect(Shown.permission).toBe("default");
  fireEvent.click(screen.getByRole("switch"));
  await vi.waitFor(() => expect(isWished()).toBe(true));
  expect(shown).toHaveLength(1);
  await vi.waitFor(() => expect(screen.getByRole<HTMLInputElement>("switch").checked).toBe(true));
  fireEvent.click(screen.getByRole("switch"));
  await vi.waitFor(() => expect(isWished()).toBe(false));
  expect(shown).toHaveLength(1);
});

test("what the browser refuses stays off, and says so", async () => {
  answer = "denied";
  render(<NotificationSwitch />);
  fireEvent.click(screen.getByRole("switch"));
  await screen.findByText(/does not let/);
  expect(screen.getByRole<HTMLInputElement>("switch").checked).toBe(false);
  expect(isWished()).toBe(false);
});

test("a browser that shows none of pages is not asked, and it is said", async () => {
  throws = true;
  render(<NotificationSwitch />);
  fireEvent.click(screen.getByRole("switch"));
  await screen.findByText(/cannot show/);
  expect(screen.getByRole<HTMLInputElement>("switch").disabled).toBe(true);
  expect([asked, isWished()]).toEqual([0, false]);
});

test("a browser that shows none any more is not wished to, and nothing is thrown", async () => {
  hide(true);
  await wish("on");
  throws = true;
  await told();
  expect(isWished()).toBe(false);
});

test("where there are none it is said, and there is nothing to press", () => {
  vi.stubGlobal("isSecureContext", false);
  render(<NotificationSwitch />);
  expect(screen.getByRole<HTMLInputElement>("switch").disabled).toBe(true);
  screen.getByText(/cannot show/);
});
