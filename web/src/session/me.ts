import { useQuery } from "@tanstack/react-query";
import { api, ok } from "../api";

/** The profile of whoever is logged in: query `["me"]`. */
export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: ({ signal }) => ok(api.GET("/api/v1/profile", { signal })),
  });
}
