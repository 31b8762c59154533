import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderHook, waitFor } from "@testing-library/react";
import { createElement, type ReactNode } from "react";
import { describe, expect, it, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { useResults } from "./useResults";

/** As the server does it where there are many texts: hits are on the pages named, out of four. */
function pagesWith(hits: Record<number, number>) {
  const asked: string[] = [];
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    const cursor = new URL(url).searchParams.get("cursor") ?? "1";
    asked.push(cursor);
    const page = Number(cursor);
    const items = Array.from({ length: hits[page] ?? 0 }, (_, n) => ({
      type: "note",
      id: `${page}-${n}`,
    }));
    const next_cursor = page < 4 ? `${page + 1}` : null;
    return Response.json({ items, next_cursor, total: null, incomplete: [] });
  });
  return asked;
}

function search() {
  const client = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) =>
    createElement(QueryClientProvider, { client }, children);
  return renderHook(() => useResults("needle", "all"), { wrapper });
}

describe("pages that end early", () => {
  it("are gone on from until there are some hits", async () => {
    const asked = pagesWith({ 2: 3, 3: 20 });
    const { result } = search();
    const found = () => result.current.data?.pages.flatMap(({ items }) => items);
    await waitFor(() => expect(found()).toHaveLength(23));
    await waitFor(() => expect(result.current.isFetching).toBe(false));
    expect(asked).toEqual(["1", "2", "3"]);
  });

  it("are gone on from to the end where there is none", async () => {
    const asked = pagesWith({});
    const { result } = search();
    await waitFor(() => expect(result.current.hasNextPage).toBe(false));
    await waitFor(() => expect(asked).toEqual(["1", "2", "3", "4"]));
  });
});
