import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { session } from "../../session";
import { asks, type Begun } from "../../stream";
import * as transfer from "../files/transfer";
import { uploads } from "../files/uploads";
import ChatPage from "./ChatPage";
import { drafts } from "./drafts";
import { outbox } from "./outbox";

const SESSION = { id: "s", title: "", read_order: 0, parameters: {} };
const PERSONA = { name: "guide", description: "", starters: ["Where to?"] };
const LIMITS = { maximum_bytes: 1_000, maximum_attachments: 10 };
const empty = { items: [], next_cursor: null };
const settled = () => act(() => new Promise((resolve) => setTimeout(resolve, 20)));

let begin: (begun: Begun) => void;
let refused: string | undefined;

beforeEach(() => {
  vi.spyOn(session, "current").mockResolvedValue("a token");
  vi.spyOn(asks, "begin").mockImplementation(() => ({
    begun: new Promise((resolve) => {
      begin = resolve;
    }),
  }));
  refused = undefined;
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname;
    if (refused !== undefined && path.startsWith(refused)) {
      return Response.json({ status: 404, reason: "SESSION_NOT_FOUND" }, { status: 404 });
    }
    if (path.endsWith("/settings")) {
      return Response.json({ enter_sends: true, default_persona: "guide" });
    }
    if (path.endsWith("/personas")) return Response.json({ ...empty, items: [PERSONA] });
    if (path.endsWith("/keys")) {
      const key = { id: "k", name: "demo", model: "m", models: [], is_default: true };
      return Response.json({ items: [key], next_cursor: null });
    }
    return Response.json(/sessions\/[^/]+$/.test(path) ? SESSION : empty);
  });
});
afterEach(() => {
  cleanup();
  outbox.clear();
  drafts.clear();
  uploads.clear();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function open(path: string) {
  const { hook, navigate, history } = memoryLocation({ path, record: true });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const Page = () => {
    const [at] = hook();
    return <ChatPage id={at.startsWith("/c/") ? at.slice(3) : undefined} />;
  };
  render(
    <QueryClientProvider client={queries}>
      <Router hook={hook}>
        <Page />
      </Router>
    </QueryClientProvider>,
  );
  await settled();
  const go = async (to: string) => {
    act(() => navigate(to));
    await settled();
  };
  return { go, history, queries };
}

const composer = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
const pending = () => screen.queryAllByRole("article", { name: "You said a question" });

async function ask() {
  fireEvent.input(composer(), { target: { value: "a question" } });
  fireEvent.keyDown(composer(), { key: "Enter", keyCode: 13 });
  await settled();
}

it.each(["/c/s", "/"])(
  "a question on its way at %s is shown once when one comes back",
  async (at) => {
    const { go } = await open(at);
    await ask();
    await go("/c/other");
    expect([pending().length, composer().value]).toEqual([0, ""]);
    await go(at);
    expect([pending().length, composer().value]).toEqual([1, ""]);
  },
);

it("who has gone elsewhere stays there when the conversation is made, and finds it later", async () => {
  const { go, history } = await open("/");
  await ask();
  await go("/c/other");
  begin({ sessionId: "s", run: null, messageId: null });
  await settled();
  expect(history.at(-1)).toBe("/c/other");
  await go("/");
  expect([history.at(-1), pending().length, composer().value]).toEqual(["/", 0, ""]);
  await go("/c/s");
  expect(pending()).toHaveLength(1);
});

it("who stays goes along to the conversation that was made, with what is typed", async () => {
  const { history } = await open("/");
  await ask();
  const before = composer();
  fireEvent.input(before, { target: { value: "and" } });
  begin({ sessionId: "s", run: null, messageId: null });
  await settled();
  expect(history.at(-1)).toBe("/c/s");
  expect(composer()).toBe(before);
  expect(before.value).toBe("and");
});

/** Chooses a file for the conversation at `place`; gives what tells that it is there. */
async function choose(place: string): Promise<() => Promise<void>> {
  let done: (attached: transfer.Attached) => void = () => undefined;
  vi.spyOn(transfer, "upload").mockReturnValue(new Promise((resolve) => (done = resolve)));
  act(() => void uploads.add(place, [new File(["text"], "a.txt")], LIMITS));
  await settled();
  return async () => {
    done({ id: "f", name: "a.txt", kind: "text", size: 4 });
    await settled();
  };
}
const namesAt = (place: string) => uploads.at(place).map(({ name }) => name);

it("a file that is chosen while the conversation is being made goes along to it", async () => {
  await open("/");
  await ask();
  await choose("new");
  begin({ sessionId: "s", run: null, messageId: null });
  await settled();
  expect([namesAt("s"), namesAt("new")]).toEqual([["a.txt"], []]);
});

it("a question that is taken back before its turn has its files again", async () => {
  await open("/c/s");
  await ask();
  await (await choose("s"))();
  await ask();
  expect(namesAt("s")).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Back into the field" }));
  await settled();
  expect(namesAt("s")).toEqual(["a.txt"]);
});

it("a starter waits for files that are on their way, and then takes them along", async () => {
  await open("/");
  const isThere = await choose("new");
  fireEvent.click(screen.getByRole("button", { name: "Where to?" }));
  await settled();
  expect(asks.begin).not.toHaveBeenCalled();
  expect(vi.mocked(transfer.upload).mock.lastCall?.[3].aborted).toBe(false);
  expect(namesAt("new")).toEqual(["a.txt"]);
  expect(screen.getByText(/^Files are still being sent/)).toBeTruthy();
  await isThere();
  fireEvent.click(screen.getByRole("button", { name: "Where to?" }));
  await settled();
  expect(vi.mocked(asks.begin).mock.lastCall?.[0]).toMatchObject({
    content: "Where to?",
    attachments: ["f"],
  });
});

it("a conversation that was deleted elsewhere says so behind its messages", async () => {
  const { queries } = await open("/c/s");
  await ask();
  refused = "/api/v1/chat/sessions/s";
  await act(() => queries.invalidateQueries({ queryKey: ["session", "s"] }));
  await settled();
  expect(pending()).toHaveLength(1);
  expect(screen.getByText(/This conversation is not here/)).toBeTruthy();
});
