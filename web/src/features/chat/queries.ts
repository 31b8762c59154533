import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";

export type Session = Schema<"Session">;
export type SessionChange = Schema<"SessionChange">;
export type Key = Schema<"Key">;
export function useChatSession(id: string | undefined) {
  return useQuery({
    queryKey: ["session", id],
    enabled: id !== undefined,
    queryFn: ({ signal }) =>
      ok(
        api.GET("/api/v1/chat/sessions/{session_id}", {
          signal,
          params: { path: { session_id: id ?? "" } },
        }),
      ),
  });
}

/** Changes a conversation, shown at once; what is refused is put back. */
export function useChangeSession(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: SessionChange) =>
      ok(
        api.PATCH("/api/v1/chat/sessions/{session_id}", {
          params: { path: { session_id: id } },
          body: change,
        }),
      ),
    async onMutate(change) {
      await queries.cancelQueries({ queryKey: ["session", id] });
      const before = queries.getQueryData<Session>(["session", id]);
      if (before !== undefined) {
        const parameters = { ...before.parameters, ...change.parameters };
        queries.setQueryData(["session", id], { ...before, ...change, parameters });
      }
      return { before };
    },
    onSuccess: (session) => queries.setQueryData(["session", id], session),
    onError: (_error, _change, kept) => queries.setQueryData(["session", id], kept?.before),
  });
}

/** All pages of a list. */
async function whole<Item>(
  page: (cursor?: string) => Promise<{ items: Item[]; next_cursor: string | null }>,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const got = await page(cursor);
    items.push(...got.items);
    cursor = got.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: ({ signal }) =>
    whole((cursor) =>
      ok(
        api.GET("/api/v1/keys", {
          signal,
          params: { query: { limit: 100, ...(cursor && { cursor }) } },
        }),
      ),
    ),
});

export const personasQuery = queryOptions({
  queryKey: ["personas"],
  queryFn: ({ signal }) =>
    whole((cursor) =>
      ok(
        api.GET("/api/v1/chat/personas", {
          signal,
          params: { query: { limit: 100, ...(cursor && { cursor }) } },
        }),
      ),
    ),
});

/** The persona of a new conversation for which none is chosen: one's own wish, else the operator's. */
export function standardOf(
  personas: readonly Schema<"Persona">[] | undefined,
  settings: Pick<Schema<"UserSettings">, "default_persona"> | undefined,
): Schema<"Persona"> | undefined {
  const wished = wishedOf(personas, settings?.default_persona);
  return wished ?? personas?.find((one) => one.is_default);
}

/** The persona of that name in either case; one that is gone is as if none were wished. */
export function wishedOf(
  personas: readonly Schema<"Persona">[] | undefined,
  wished: string | null | undefined,
): Schema<"Persona"> | undefined {
  const lower = wished?.toLowerCase();
  return personas?.find(({ name }) => name.toLowerCase() === lower);
}

/** The models of a connection's server: asked for when somebody is about to choose one. */
export const modelsQuery = (keyId: string) =>
  queryOptions({
    queryKey: ["models", keyId],
    staleTime: 300_000,
    retry: false,
    queryFn: async ({ signal }) => {
      const { items } = await ok(
        api.GET("/api/v1/keys/{key_id}/models", { signal, params: { path: { key_id: keyId } } }),
      );
      return items;
    },
  });
