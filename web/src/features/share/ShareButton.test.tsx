import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { ShareButton } from "./ShareButton";

beforeEach(() => {
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
});
afterEach(cleanup);

/** Where so many links may be made, and these conversations have one. */
function show({ most, shared }: { most: number; shared: string[] }) {
  const share = { expires_at: null, max_views: null, opens: 0 };
  vi.stubGlobal("fetch", async ({ url }: Request) =>
    new URL(url).pathname.endsWith("/limits")
      ? Response.json({ maximum_shares: most })
      : Response.json({
          items: shared.map((session_id) => ({ ...share, session_id })),
          next_cursor: null,
        }),
  );
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={queries}>
      <ShareButton sessionId="here" />
    </QueryClientProvider>,
  );
  return () => waitFor(() => expect(queries.isFetching()).toBe(0));
}

test("a conversation can be shown to others where links may be made", async () => {
  const answered = show({ most: 1, shared: [] });
  await answered();
  expect(screen.getByRole("button", { name: "Share" })).not.toBeNull();
});

test("where none may be made there is no button, but for a link that is to be taken back", async () => {
  await show({ most: 0, shared: ["another"] })();
  await waitFor(() => expect(screen.queryByRole("button")).toBeNull());
  cleanup();
  await show({ most: 0, shared: ["here"] })();
  await screen.findByRole("button", { name: /^Share \(/ });
});
