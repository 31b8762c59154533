import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { midnight } from "../../ui/midnight";
import { Export } from "./Export";

afterEach(cleanup);

test("an export of some days has the last of them, too", async () => {
  const asked: URL[] = [];
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    if (url.includes("/export?")) asked.push(new URL(url));
    return Response.json({ status: 503, reason: "UNAVAILABLE" }, { status: 503 });
  });
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <Export />
    </QueryClientProvider>,
  );
  const fill = (label: string, value: string) =>
    fireEvent.change(screen.getByLabelText(label), { target: { value } });
  fill("Active from", "2026-11-01");
  fill("Active until", "2026-11-02");
  fireEvent.submit(screen.getByRole("form", { name: "Export" }));
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const told = asked[0]?.searchParams;
  expect([told?.get("from"), told?.get("to")]).toEqual([
    midnight("2026-11-01", 0),
    midnight("2026-11-03", 0),
  ]);
  await screen.findAllByRole("alert");
});
