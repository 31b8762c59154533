import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type Schema } from "../../api";
import { repeatable } from "../../api/repeatable";

export type Persona = Schema<"Persona">;

const PERSONAS = ["personas"];

/** All personas, one's own and then the operator's: query `["personas"]`. */
export function usePersonas() {
  return useQuery({ queryKey: PERSONAS, queryFn: ({ signal }) => allPersonas(signal) });
}

async function allPersonas(signal: AbortSignal): Promise<Persona[]> {
  const found: Persona[] = [];
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? { limit: 100 } : { limit: 100, cursor };
    const page = await ok(api.GET("/api/v1/chat/personas", { signal, params: { query } }));
    found.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

/** Keeps a persona, or changes the one that has `name`. */
export function useSavePersona(name: string | undefined) {
  const queries = useQueryClient();
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
    onSuccess: () => queries.invalidateQueries({ queryKey: PERSONAS }),
  });
}

/** Deletes one for good. */
export async function deletePersona(name: string, closing: boolean): Promise<void> {
  const params = { path: { name } };
  await ok(api.DELETE("/api/v1/chat/personas/{name}", { params, keepalive: closing }));
}
