import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { drafts } from "./drafts";
import { NoteList } from "./NoteList";

/** What comes into sight is seen once, as browsers tell it where nothing moves afterwards. */
class SeenOnce {
  readonly told: IntersectionObserverCallback;
  constructor(told: IntersectionObserverCallback) {
    this.told = told;
  }
  observe() {
    const entries = [{ isIntersecting: true }] as IntersectionObserverEntry[];
    queueMicrotask(() => this.told(entries, this as never));
  }
  disconnect() {}
}

const note = (id: string) => ({
  ...{ id, title: id, content: "", tags: [], pinned: false, version: 1 },
  updated_at: new Date().toISOString(),
});

/** Pages by cursor, of which those that are numbers are refused with that status. */
function serve(pages: Record<string, string[] | number>) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    const query = new URL(url).searchParams;
    const at = Number(query.get("cursor") ?? "1");
    asked.push(`${query.get("q") ?? ""}${at}`);
    const page = pages[at] ?? [];
    if (typeof page === "number") return Response.json({ status: page }, { status: page });
    return Response.json({
      items: page.map(note),
      next_cursor: `${at + 1}` in pages ? `${at + 1}` : null,
    });
  });
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <NoteList openId={undefined} />
    </QueryClientProvider>,
  );
  return asked;
}

beforeEach(() => {
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
  vi.stubGlobal("IntersectionObserver", SeenOnce);
});
afterEach(cleanup);

test("pages that end early are gone on from, and nothing is said not to match meanwhile", async () => {
  const asked = serve({ 1: [], 2: [], 3: ["Tea"] });
  await screen.findByText("Tea");
  expect(asked).toEqual(["1", "2", "3"]);
  expect(screen.queryByText(/^There is none yet/)).toBeNull();
});

test("that there is none is said after the last page", async () => {
  const asked = serve({ 1: [], 2: [] });
  await screen.findByText(/^There is none yet/);
  expect(asked).toEqual(["1", "2"]);
});

test("a page that was refused is asked for again by the button alone", async () => {
  const pages: Record<string, string[] | number> = { 1: ["Tea"], 2: 400 };
  const asked = serve(pages);
  const again = await screen.findByRole("button", { name: "Try again" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked).toEqual(["1", "2"]);
  pages[2] = ["Bread"];
  fireEvent.click(again);
  await screen.findByText("Bread");
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});

test("letters that an input method is composing are not searched for", async () => {
  const asked = serve({ 1: ["Tea"] });
  await screen.findByText("Tea");
  const box = screen.getByLabelText("Search notes");
  for (const value of ["c", "ch", "cha"])
    fireEvent.input(box, { target: { value }, isComposing: true });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(asked).toEqual(["1"]);
  fireEvent.input(box, { target: { value: "茶" }, isComposing: true });
  fireEvent.compositionEnd(box);
  await vi.waitFor(() => expect(asked).toEqual(["1", "茶1"]));
});

test("what is not saved yet is said of its note until it is", async () => {
  drafts.write("Tea", { version: 1, unsaved: { content: "Green" } });
  serve({ 1: ["Tea", "Coffee"] });
  await screen.findByText("Not saved yet");
  act(() => drafts.write("Tea", undefined));
  expect(screen.queryByText("Not saved yet")).toBeNull();
});
