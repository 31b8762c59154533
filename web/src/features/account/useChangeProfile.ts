import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";

/** Changes one's profile, and shows it changed everywhere. */
export function useChangeProfile(onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"ProfileChange">) => ok(api.PATCH("/api/v1/profile", { body })),
    onSuccess(me) {
      queries.setQueryData(["me"], me);
      onDone();
    },
  });
}
