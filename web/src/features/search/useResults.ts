import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, ok } from "../../api";

export type Kind = "all" | "sessions" | "messages" | "notes";

const PAGE = 20;
const STALE = 10_000;

/**
 * What is found of `q`, page by page; what was found before stays until then. A page of the server's
 * may end early, even without a hit, where there are many texts: it goes on by itself until there are some.
 */
export function useResults(q: string, kind: Kind) {
  const results = useInfiniteQuery({
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
  const { data, hasNextPage, isFetching, isError, isPlaceholderData, fetchNextPage } = results;
  const found = data?.pages.reduce((sum, page) => sum + page.items.length, 0) ?? 0;
  const goesOn = hasNextPage && found < PAGE && !isFetching && !isError && !isPlaceholderData;
  const pages = data?.pages.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page is gone on from
  useEffect(() => {
    if (goesOn) void fetchNextPage();
  }, [goesOn, pages, fetchNextPage]);
  return results;
}

export type Results = ReturnType<typeof useResults>["data"];
export type Hit = NonNullable<Results>["pages"][number]["items"][number];
