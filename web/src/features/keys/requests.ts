import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type Schema } from "../../api";
import { repeatable } from "../../api/repeatable";
import { keysQuery, modelsQuery } from "../chat/queries";

export type Key = Schema<"Key">;
export type Tested = Schema<"Tested">;

const KEYS = keysQuery.queryKey;

/** All connections, one's own and then the operator's. */
export function useConnections() {
  return useQuery(keysQuery);
}

/** The models of a connection's server, once it is `wanted`. */
export function useModels(id: string, wanted: boolean) {
  return useQuery({ ...modelsQuery(id), enabled: wanted });
}

/** Stores a connection, or changes the one that `id` names. Of what was sent nothing is kept. */
export function useSaveKey(id: string | undefined) {
  const queries = useQueryClient();
  const [headersOf] = useState(repeatable);
  return useMutation({
    gcTime: 0,
    mutationFn: (given: Schema<"NewKey"> | Schema<"KeyChange">) =>
      id === undefined
        ? ok(
            api.POST("/api/v1/keys", {
              body: given as Schema<"NewKey">,
              headers: headersOf(given),
            }),
          )
        : ok(
            api.PATCH("/api/v1/keys/{key_id}", {
              params: { path: { key_id: id } },
              body: given as Schema<"KeyChange">,
            }),
          ),
    onSuccess(saved) {
      void queries.invalidateQueries({ queryKey: KEYS });
      void queries.invalidateQueries({ queryKey: ["models", saved.id] });
    },
  });
}

/** Tries a connection that is not stored. */
export function useTestUnsaved() {
  return useMutation({
    gcTime: 0,
    mutationFn: (given: Schema<"UnsavedKey">) => ok(api.POST("/api/v1/keys/test", { body: given })),
  });
}

/** Tries a stored one. */
export function useTestKey(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () =>
      ok(api.POST("/api/v1/keys/{key_id}/test", { params: { path: { key_id: id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: KEYS }),
  });
}

export function useMakeDefault() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ok(api.PUT("/api/v1/keys/default", { body: { key_id: id } })),
    onMutate(id) {
      queries.setQueryData<Key[]>(KEYS, (keys) =>
        keys?.map((key) => ({ ...key, is_default: key.id === id })),
      );
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEYS }),
  });
}

/** Deletes one for good. */
export async function deleteKey(id: string, closing: boolean): Promise<void> {
  const params = { path: { key_id: id } };
  await ok(api.DELETE("/api/v1/keys/{key_id}", { params, keepalive: closing }));
}
