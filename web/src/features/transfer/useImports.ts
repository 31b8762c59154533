import { useQuery } from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";

export type Import = Schema<"Import">;

export const importsKey = ["imports"];

export const isOver = ({ state }: Import) => !["uploading", "waiting", "reading"].includes(state);

/** The newest imports, looked at every second while one of them is not over. */
export function useImports() {
  return useQuery({
    queryKey: importsKey,
    queryFn: ({ signal }) => ok(api.GET("/api/v1/chat/imports", { signal })),
    refetchInterval: ({ state }) => (state.data?.items.every(isOver) === false ? 1000 : false),
  });
}
