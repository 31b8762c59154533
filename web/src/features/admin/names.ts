import { useQueries } from "@tanstack/react-query";
import { usersById } from "./requests";

/** User names of `ids`, which come by page; the id itself of whoever is not there any more, or not yet told. */
export function useNames(ids: readonly (readonly (string | null)[])[]): (id: string) => string {
  const known = useQueries({
    queries: ids.map((page) => usersById(page.filter((id) => id !== null))),
    combine: (found) =>
      new Map(
        found.flatMap(({ data }) => data?.map(({ id, username }) => [id, username] as const) ?? []),
      ),
  });
  return (id) => known.get(id) ?? id;
}
