import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import ShareDialog from "./ShareDialog";

let made: unknown[];

beforeEach(async () => {
  made = [];
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST") {
      made.push(await request.json());
      return Response.json({ status: 503, reason: "UNAVAILABLE" }, { status: 503 });
    }
    if (pathname.endsWith("/shares/limits")) return Response.json({ maximum_shares: 10 });
    if (pathname.endsWith("/limits")) return Response.json({ offered: true });
    return Response.json({ items: [], next_cursor: null });
  });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={queries}>
      <ShareDialog sessionId="s" onClose={() => undefined} />
    </QueryClientProvider>,
  );
  await waitFor(() => expect(queries.isFetching()).toBe(0));
});
afterEach(cleanup);

const choose = (label: string, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });

/** What the server is asked to make. */
async function make(): Promise<unknown> {
  const before = made.length;
  fireEvent.submit(screen.getByRole("button", { name: "Make a link" }));
  await waitFor(() => expect(made.length).toBe(before + 1));
  await screen.findByRole("alert");
  return made.at(-1);
}

test("a link that nothing is chosen for shows neither thinking nor files, and ends in a week", async () => {
  expect(await make()).toEqual({
    audience: "link",
    include_reasoning: false,
    include_files: false,
    expires_in: 7 * 86_400,
  });
});

test("a link is as it was chosen", async () => {
  choose("Who can open it", "members");
  choose("Most views (optional)", "3");
  fireEvent.click(screen.getByLabelText("Show what the models thought"));
  fireEvent.click(screen.getByLabelText("Show the files of the questions"));
  expect(await make()).toMatchObject({
    audience: "members",
    max_views: 3,
    include_reasoning: true,
    include_files: true,
  });
});

test.each(["1 day", "7 days", "30 days", "365 days", "Never"])("one for %s is", async (name) => {
  const { value } = screen.getByRole<HTMLOptionElement>("option", { name });
  choose("Expires after", value);
  const days = Number.parseInt(name, 10);
  const expected = Number.isNaN(days) ? {} : { expires_in: days * 86_400 };
  const { expires_in } = (await make()) as { expires_in?: number };
  expect(expires_in === undefined ? {} : { expires_in }).toEqual(expected);
});
