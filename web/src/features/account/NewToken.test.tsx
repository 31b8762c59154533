import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { NewTokenDialog } from "./NewToken";

const NOW = Date.UTC(2026, 10, 1, 12);
let made: { name: string; scopes: string[]; expires_at?: string }[];

beforeEach(() => {
  made = [];
  vi.spyOn(Date, "now").mockReturnValue(NOW);
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
  vi.stubGlobal("fetch", async (request: Request) => {
    made.push(await request.json());
    return Response.json({ token: "pat_secret" }, { status: 201 });
  });
});
afterEach(cleanup);

test.each([
  ["7 days", 7],
  ["30 days", 30],
  ["90 days", 90],
  ["365 days", 365],
  ["Until it is deleted", undefined],
])("a token that is valid for %s is, and its secret is shown", async (name, days) => {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <NewTokenDialog open onClose={() => undefined} />
    </QueryClientProvider>,
  );
  const type = (label: string, value: string) =>
    fireEvent.change(screen.getByLabelText(label), { target: { value } });
  type("Name", " my script ");
  type("Valid for", screen.getByRole<HTMLOptionElement>("option", { name }).value);
  fireEvent.submit(screen.getByRole("button", { name: "Create the token" }));
  await waitFor(() => expect(screen.getByText("pat_secret")).toBeTruthy());
  const expires_at = days && new Date(NOW + days * 86_400_000).toISOString();
  expect(made).toEqual([
    { name: "my script", scopes: ["chat:read"], ...(expires_at && { expires_at }) },
  ]);
});
