import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ok, type Schema } from "../api";

type Settings = Schema<"UserSettings">;

// What null goes back to.
const DEFAULTS: Omit<Settings, "version"> = {
  language: null,
  theme: "system",
  instructions: "",
  default_persona: null,
  titles_by_model: false,
  retention_days: null,
  enter_sends: true,
};

/** The settings of whoever is logged in: query `["settings"]`. */
export function useSettings() {
  return useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => ok(api.GET("/api/v1/me/settings", { signal })),
    staleTime: 60_000,
  });
}

/** Saves some of them, shown at once; null is back to the default. What is refused is put back. */
export function useSaveSettings() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: Schema<"UserSettingsChange">) =>
      ok(api.PATCH("/api/v1/me/settings", { body: change })),
    async onMutate(change) {
      await queries.cancelQueries({ queryKey: ["settings"] });
      const before = queries.getQueryData<Settings>(["settings"]);
      const given = Object.entries(change).map(([name, value]) => [
        name,
        value ?? DEFAULTS[name as keyof typeof DEFAULTS],
      ]);
      if (before !== undefined)
        queries.setQueryData(["settings"], {
          ...before,
          ...Object.fromEntries(given),
        });
      return { before };
    },
    onSuccess: (settings) => queries.setQueryData(["settings"], settings),
    onError: (_error, _change, kept) => {
      if (kept?.before !== undefined) queries.setQueryData(["settings"], kept.before);
    },
  });
}
