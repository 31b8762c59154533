import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, it, vi } from "vitest";
import { session } from "../../session";
import UsageNotice from "./UsageNotice";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("looks anew with each run that ends and each question that is refused, and says until when", async () => {
  let state = "soft";
  vi.spyOn(session, "current").mockResolvedValue("a token");
  vi.stubGlobal("fetch", async () => {
    const tokens = { used: 5, allowed: 6, soft: 4, left: 0, state };
    const limit = { period: "day", connections: "operator", resets_at: "2026-03-01T12:00:00Z" };
    return Response.json({
      items: [{ ...limit, key_id: null, key_name: null, tokens, cost: null }],
    });
  });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const notice = (ended?: string, refused?: string) => (
    <QueryClientProvider client={queries}>
      <UsageNotice ended={ended} refused={refused} />
    </QueryClientProvider>
  );
  const { rerender } = render(notice());
  await screen.findByText(/^You have used most of what you may use/);
  state = "used_up";
  rerender(notice("run"));
  await screen.findByText(/^What you may use is used up until Mar 1, 2026, /);
  state = "soft";
  rerender(notice("run", "press"));
  await screen.findByText(/^You have used most of what you may use/);
});
