import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "../../api";
import { session } from "../../session";
import { asks, liveRuns } from "../../stream";
import { toast } from "../../ui/toast";
import ChatPage from "./ChatPage";
import { drafts } from "./drafts";
import { outbox } from "./outbox";

const variants = (id: string) => ({ index: 0, ids: [id] });
const SESSION = { id: "s", title: "", read_order: 9, key_id: "k", model: "m", parameters: {} };
const QUESTION = {
  id: "q",
  session_id: "s",
  role: "user",
  content: "why",
  attachments: [],
  parent_id: null,
  variants: variants("q"),
};
const ANSWER = {
  ...{
    id: "a",
    session_id: "s",
    role: "assistant",
    content: "so",
    parent_id: "q",
    run_id: "r",
    model: "m",
  },
  ...{ status: "interrupted", reason: "OWNER_LOST", can_continue: true, variants: variants("a") },
};
const settled = () => act(() => new Promise((resolve) => setTimeout(resolve, 20)));
/** What the server says is there, newest first. */
let listed: object[];
let gone: string[];
let change: () => Response | Promise<Response>;

beforeEach(() => {
  change = () => Response.json(SESSION);
  listed = [ANSWER, QUESTION];
  gone = [];
  // The list of models is shown as a popover, which happy-dom does not know.
  HTMLElement.prototype.showPopover = () => undefined;
  HTMLElement.prototype.hidePopover = () => undefined;
  vi.spyOn(session, "current").mockResolvedValue("a token");
  vi.spyOn(asks, "begin").mockImplementation(() => ({ begun: new Promise(() => undefined) }));
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PATCH") return change();
    if (request.method === "DELETE") {
      gone.push(pathname);
      listed = listed.filter((one) => !("id" in one && pathname.endsWith(`/${one.id}`)));
      return new Response(null, { status: 204 });
    }
    if (pathname.endsWith("/extent")) return Response.json({ messages: 3 });
    if (pathname.endsWith("/s")) return Response.json(SESSION);
    if (pathname.endsWith("/settings")) return Response.json({ enter_sends: true });
    const key = { id: "k", name: "demo", model: "m", models: ["m", "n"], is_default: true };
    const items = pathname.endsWith("/messages") ? listed : [];
    return Response.json({ items: pathname.endsWith("/keys") ? [key] : items, next_cursor: null });
  });
});
afterEach(() => {
  cleanup();
  outbox.clear();
  drafts.clear();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function open() {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={queries}>
      <ChatPage id="s" />
    </QueryClientProvider>,
  );
  // What is loaded by need comes as fast as the machine lets it.
  await screen.findByRole("button", { name: "Continue" }, { timeout: 10_000 });
  await settled();
}

const button = (name: string, at = 0) => screen.getAllByRole("button", { name })[at] as HTMLElement;
const composer = () => screen.getByRole("textbox", { name: "Message" });
const lastAsked = () => vi.mocked(asks.begin).mock.lastCall?.[0];
const remove = () => within(screen.getByRole("dialog", { hidden: true }));
const press = async (name: string) => {
  await userEvent.click(button(name));
  await settled();
};

it("a message whose editing is closed has the focus, and keeps what was typed for the next time", async () => {
  await open();
  await press("Edit");
  await userEvent.keyboard(" not{Escape}");
  expect(document.activeElement).toBe(screen.getByRole("article", { name: "You said why" }));
  await press("Edit");
  expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Edit" }).value).toBe("why not");
  await press("Cancel");
  expect(document.activeElement).toBe(screen.getByRole("article", { name: "You said why" }));
  await press("Edit");
  expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Edit" }).value).toBe("why");
});

it("who asks anew writes on in the composer", async () => {
  await open();
  await press("Edit");
  await userEvent.keyboard(" not");
  await press("Ask");
  expect(document.activeElement).toBe(composer());
});

it("who takes the last file off a question asks without any, and who leaves it with what there was", async () => {
  const file = { id: "f", name: "a.txt", kind: "text", size: 4 };
  listed = [ANSWER, { ...QUESTION, attachments: [file] }];
  await open();
  await press("Edit");
  await userEvent.keyboard(" not");
  await press("Ask");
  expect(lastAsked()).not.toHaveProperty("attachments");
  act(() => outbox.clear());
  await press("Edit");
  await userEvent.click(await screen.findByRole("button", { name: "Remove a.txt" }));
  await press("Ask");
  expect(lastAsked()).toMatchObject({ attachments: [] });
});

it("an answer that is not made anew stays and tells why, and nothing waits for it", async () => {
  await open();
  const show = vi.spyOn(toast, "show");
  const refused = new ApiError({ status: 409 });
  vi.mocked(asks.begin).mockImplementationOnce(() => ({ begun: Promise.reject(refused) }));
  await press("Regenerate");
  expect(show.mock.lastCall?.[0]).toMatchObject({ tone: "danger" });
  expect(screen.getByRole("article", { name: "Answer so" })).toBeTruthy();
  expect(outbox.at("s")).toEqual([]);
});

it("Regenerate leaves the focus in the composer", async () => {
  await open();
  await press("Regenerate");
  expect(document.activeElement).toBe(composer());
});

it("Continue leaves the focus in the composer", async () => {
  await open();
  vi.mocked(asks.begin).mockReturnValue({
    begun: Promise.resolve({ sessionId: "s", run: null, messageId: null }),
  });
  await press("Continue");
  expect(document.activeElement).toBe(composer());
});

it("a question is queued while an answer is on its way, and ↑ takes it back", async () => {
  await open();
  await press("Regenerate");
  await userEvent.type(composer(), "next{Enter}and{Enter}");
  const queue = screen.getByRole("region", { name: "Queued questions" });
  const queued = () =>
    within(queue)
      .getAllByRole("listitem")
      .map((one) => one.textContent);
  expect(queued()).toEqual(["next", "and"]);
  expect(screen.getByText("Queued: sent once the answer is there.")).toBeTruthy();
  expect(asks.begin).toHaveBeenCalledTimes(1);
  await userEvent.type(composer(), "{ArrowUp}");
  expect(queued()).toEqual(["next"]);
  expect(composer()).toHaveProperty("value", "and");
  await press("Back into the field");
  expect(screen.queryByRole("region", { name: "Queued questions" })).toBeNull();
  expect(composer()).toHaveProperty("value", "next\n\nand");
});

it("behind a question that was not sent the queue waits for a word", async () => {
  await open();
  let refuse: (error: Error) => void = () => undefined;
  vi.mocked(asks.begin).mockReturnValueOnce({ begun: new Promise((_, no) => (refuse = no)) });
  await userEvent.type(composer(), "one{Enter}two{Enter}");
  refuse(new ApiError({ status: 503 }));
  await settled();
  expect(screen.getByText(/^Held back/)).toBeTruthy();
  await press("Send now");
  expect(lastAsked()).toMatchObject({ content: "two" });
  expect(document.activeElement).toBe(composer());
});

async function chooseOther() {
  await userEvent.click(screen.getByRole("combobox", { name: "Model" }));
  await userEvent.click(screen.getByRole("option", { name: /n/ }));
  await settled();
}

it("a model that is refused says so", async () => {
  change = () => Response.json({ status: 422, reason: "INVALID", detail: "no" }, { status: 422 });
  await open();
  const show = vi.spyOn(toast, "show");
  await chooseOther();
  expect(show.mock.lastCall?.[0]).toMatchObject({ tone: "danger" });
});

it("a question names the model that is shown, whether the server knows of it yet or not", async () => {
  change = () => new Promise(() => undefined);
  await open();
  await chooseOther();
  await userEvent.type(composer(), "next{Enter}");
  expect(lastAsked()).toMatchObject({ key_id: "k", model: "n" });
});

it("Delete says how much goes; then the focus is at what stands there, and that is answered anew", async () => {
  await open();
  liveRuns.begun({ runId: "r", sessionId: "s", questionId: "q", answerId: "a" });
  liveRuns.ended("r", "interrupted");
  within(screen.getByRole("article", { name: "Answer so" }))
    .getByRole("button", { name: "More" })
    .focus();
  await userEvent.keyboard("{ArrowDown}");
  await userEvent.click(screen.getByRole("menuitem", { name: "Delete", hidden: true }));
  await settled();
  expect(remove().getByRole("status", { hidden: true }).textContent).toMatch(/^3 messages/);
  await userEvent.click(remove().getByRole("button", { name: "Delete", hidden: true }));
  await settled();
  expect(gone).toEqual(["/api/v1/chat/sessions/s/messages/a"]);
  expect(screen.queryByRole("article", { name: /^Answer/ })).toBeNull();
  expect(document.activeElement).toBe(screen.getByRole("article", { name: "You said why" }));
  await press("Regenerate");
  expect(lastAsked()).toMatchObject({ type: "regenerate", message_id: "q" });
});

it("who keeps a message after all has the focus where it was", async () => {
  await open();
  await press("Delete");
  await userEvent.click(remove().getByRole("button", { name: "Cancel", hidden: true }));
  await settled();
  expect(gone).toEqual([]);
  expect(document.activeElement).toBe(button("Delete"));
});

it("where nothing is left one writes on, whoever was quicker", async () => {
  await open();
  await press("Delete");
  listed = [];
  await userEvent.click(remove().getByRole("button", { name: "Delete", hidden: true }));
  await settled();
  expect(screen.queryAllByRole("article")).toEqual([]);
  expect(document.activeElement).toBe(composer());
});
