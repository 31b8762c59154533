import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";

export type Limit = Schema<"UsageLimit">;
export type Sums = Schema<"UsageSums">;

export const limitsKey = ["usage-limits"];

/** What may be used, what is left of it, and until when. */
export const limitsQuery = queryOptions({
  queryKey: limitsKey,
  queryFn: ({ signal }) => ok(api.GET("/api/v1/me/limits", { signal })),
  select: ({ items }) => items,
  staleTime: 60_000,
});

/** Whether answers are kept for the same question; not before that is known. */
export function useKeepsAnswers(): boolean {
  const { data } = useQuery({
    ...limitsQuery,
    select: ({ answers_kept_hours }) => answers_kept_hours > 0,
  });
  return data ?? false;
}

/** What was used in these days, by day and model. */
export function useUsage(from: string, to: string) {
  return useQuery({
    queryKey: ["usage", from, to],
    queryFn: ({ signal }) =>
      ok(
        api.GET("/api/v1/me/usage", {
          signal,
          params: { query: { from, to, by: "day,model" } },
        }),
      ),
    placeholderData: (before) => before,
    staleTime: 0,
  });
}
