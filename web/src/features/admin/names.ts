import { useUsers } from "./requests";

/** User names by id as far as the first page of users tells them; else the id itself. */
export function useNames(): (id: string) => string {
  const { data } = useUsers({});
  const known = new Map(
    data?.pages.flatMap(({ items }) => items.map(({ id, username }) => [id, username] as const)),
  );
  return (id) => known.get(id) ?? id;
}
