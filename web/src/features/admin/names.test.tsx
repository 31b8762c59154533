import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { session } from "../../session";
import { useNames } from "./names";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function Names({ ids }: { ids: (string | null)[][] }) {
  const nameOf = useNames(ids);
  return (
    <p>{ids.flatMap((page) => page.map((id) => (id === null ? "-" : nameOf(id)))).join(" ")}</p>
  );
}

it("asks once for each page whose ids are there, and calls whoever is gone by the id", async () => {
  const asked: string[][] = [];
  vi.spyOn(session, "current").mockResolvedValue("a token");
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    const ids = new URL(url).searchParams.get("ids")?.split(",") ?? [];
    asked.push(ids);
    const items = ids.filter((id) => id !== "gone").map((id) => ({ id, username: `user-${id}` }));
    return Response.json({ items, next_cursor: null });
  });
  const queries = new QueryClient();
  const page = (ids: (string | null)[][]) => (
    <QueryClientProvider client={queries}>
      <Names ids={ids} />
    </QueryClientProvider>
  );
  const { rerender } = render(page([[null], ["b", "a", "b"]]));
  await screen.findByText("- user-b user-a user-b");
  rerender(page([[null], ["b", "a", "b"], ["c", "gone"]]));
  await screen.findByText("- user-b user-a user-b user-c gone");
  expect(asked).toEqual([
    ["a", "b"],
    ["c", "gone"],
  ]);
});
