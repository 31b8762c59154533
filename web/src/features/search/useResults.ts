import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api, ok } from "../../api";

export type Kind = "all" | "sessions" | "messages" | "notes";

const PAGE = 20;
const STALE = 10_000;

/** What is found of `q`, page by page; what was found before stays until then. */
export function useResults(q: string, kind: Kind) {
  return useInfiniteQuery({
    queryKey: ["search", q, kind],
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/api/v1/search", {
          signal,
          params: {
            query: {
              q,
              types: kind === "all" ? undefined : kind,
              limit: PAGE,
              cursor: pageParam,
            },
          },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: STALE,
    enabled: q !== "",
  });
}

export type Results = ReturnType<typeof useResults>["data"];
export type Hit = NonNullable<Results>["pages"][number]["items"][number];
