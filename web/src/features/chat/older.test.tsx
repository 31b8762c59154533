import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { session } from "../../session";
import ChatPage from "./ChatPage";

const message = {
  id: "m",
  role: "user",
  content: "the newest",
  attachments: [],
  variants: { index: 0, ids: ["m"] },
};
const settled = () => act(() => new Promise((resolve) => setTimeout(resolve, 300)));
let asked: number;
let older: () => Response;

beforeEach(() => {
  asked = 0;
  older = () => Response.json({ status: 403, reason: "FORBIDDEN" }, { status: 403 });
  vi.spyOn(session, "current").mockResolvedValue("a token");
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("/messages") && searchParams.has("cursor")) {
      asked += 1;
      return older();
    }
    if (pathname.endsWith("/messages"))
      return Response.json({ items: [message], next_cursor: "c" });
    if (pathname.endsWith("/s")) return Response.json({ id: "s", title: "", parameters: {} });
    return Response.json({ items: [], next_cursor: null });
  });
  // The top is in sight all the time.
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      told: (seen: { isIntersecting: boolean }[]) => void;
      constructor(told: (seen: { isIntersecting: boolean }[]) => void) {
        this.told = told;
      }
      timer: ReturnType<typeof setTimeout> | undefined;
      observe() {
        this.timer = setTimeout(() => this.told([{ isIntersecting: true }]), 1);
      }
      disconnect() {
        clearTimeout(this.timer);
      }
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function open(path: string) {
  const { hook, searchHook } = memoryLocation({ path, searchPath: path.split("?")[1] ?? "" });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={queries}>
      <Router hook={hook} searchHook={searchHook}>
        <ChatPage id="s" />
      </Router>
    </QueryClientProvider>,
  );
}

it.each(["/c/s", "/c/s?m=far"])(
  "an older page that is refused at %s is asked for once, and again by a button",
  async (path) => {
    open(path);
    await settled();
    expect(asked).toBe(1);
    older = () => Response.json({ items: [{ ...message, id: "far" }], next_cursor: null });
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await settled();
    expect(asked).toBe(2);
    expect(screen.getAllByRole("article")).toHaveLength(2);
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  },
);
