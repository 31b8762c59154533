import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type Schema } from "../../api";
import { repeatable } from "../../api/repeatable";
import { useSaveSettings, useSettings } from "../../session";
import { personasQuery } from "../chat/queries";

export type Persona = Schema<"Persona">;

const PERSONAS = personasQuery.queryKey;

/** All personas, one's own and then the operator's. */
export function usePersonas() {
  return useQuery(personasQuery);
}

/** Keeps a persona, or changes the one that has `name`; the default stays the default under another name. */
export function useSavePersona(name: string | undefined) {
  const queries = useQueryClient();
  const isDefault = useSettings().data?.default_persona === name;
  const { mutate: saveSettings } = useSaveSettings();
  const [headersOf] = useState(repeatable);
  return useMutation({
    mutationFn: (given: Schema<"NewPersona">) =>
      name === undefined
        ? ok(api.POST("/api/v1/chat/personas", { body: given, headers: headersOf(given) }))
        : ok(
            api.PATCH("/api/v1/chat/personas/{name}", {
              params: { path: { name } },
              body: given as Schema<"PersonaChange">,
            }),
          ),
    onSuccess: (kept) => {
      // Settings know it by its name.
      if (name !== undefined && isDefault && kept.name !== name)
        saveSettings({ default_persona: kept.name });
      return queries.invalidateQueries({ queryKey: PERSONAS });
    },
  });
}

/** Deletes one for good. */
export async function deletePersona(name: string, closing: boolean): Promise<void> {
  const params = { path: { name } };
  await ok(api.DELETE("/api/v1/chat/personas/{name}", { params, keepalive: closing }));
}
