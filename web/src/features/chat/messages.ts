import {
  type QueryClient,
  replaceEqualDeep,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { api, ok, type Schema } from "../../api";

export type Message = Schema<"Message">;

/** What is here of the chosen path of a conversation. */
interface Loaded {
  /** Oldest first. */
  messages: readonly Message[];
  /** By what older ones are asked for; null: there are none. */
  next: string | null;
  /** Where the newest page begins: all that is kept of a conversation that is left. */
  newest: { from: string | undefined; next: string | null };
}

const PAGE = 30;
/** So many are read at once where another path is to be shown as far as this one was. */
const LARGE = 100;

const keyOf = (id: string) => ["messages", id];

/** A page of messages, oldest first, and by what older ones are asked for. */
async function read(id: string, cursor: string | null, limit: number, signal?: AbortSignal) {
  const page = await ok(
    api.GET("/api/v1/chat/sessions/{session_id}/messages", {
      ...(signal && { signal }),
      params: {
        path: { session_id: id },
        query: { order: "desc", limit, ...(cursor && { cursor }) },
      },
    }),
  );
  return { messages: page.items.reverse(), next: page.next_cursor };
}

/**
 * Reads the newest page, and joins it to the older messages that are here: what stands before a message
 * never changes. On another path it reads until it meets what is here, or has as much.
 */
async function readNewest(queries: QueryClient, id: string, signal: AbortSignal): Promise<Loaded> {
  const known = () => queries.getQueryData<Loaded>(keyOf(id));
  let { messages, next } = await read(id, null, PAGE, signal);
  const newest = { from: messages[0]?.id, next };
  const meets = () => known()?.messages.findIndex((one) => one.id === messages[0]?.id) ?? -1;
  while (next !== null && meets() < 0 && messages.length < (known()?.messages.length ?? 0)) {
    const older = await read(id, next, LARGE, signal);
    messages = [...older.messages, ...messages];
    next = older.next;
  }
  const before = known();
  const at = meets();
  // What is the same stays the same object, and is not drawn anew.
  const same = new Map(before?.messages.map((one) => [one.id, one]));
  const fresh = messages.map((one) => replaceEqualDeep(same.get(one.id), one));
  if (before === undefined || at < 0) return { messages: fresh, next, newest };
  return { messages: [...before.messages.slice(0, at), ...fresh], next: before.next, newest };
}

/** The messages that are here, oldest first, and how to get older ones. */
export function useMessages(id: string | undefined) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: keyOf(id ?? ""),
    enabled: id !== undefined,
    structuralSharing: false,
    queryFn: ({ signal }) => readNewest(queries, id ?? "", signal),
  });
  const { data } = query;
  const { retry, retryDelay } = queries.getDefaultOptions().queries ?? {};
  const { mutate, isPending, error } = useMutation({
    ...(retry !== undefined && { retry }),
    ...(retryDelay !== undefined && { retryDelay }),
    mutationFn: (cursor: string) => read(id ?? "", cursor, PAGE),
    onSuccess: (older, cursor) => {
      queries.setQueryData<Loaded>(keyOf(id ?? ""), (here) =>
        // Another path may have been chosen meanwhile.
        here?.next === cursor
          ? { ...here, messages: [...older.messages, ...here.messages], next: older.next }
          : here,
      );
    },
  });
  const next = data?.next ?? null;
  const loadOlder = useCallback(() => {
    if (next !== null && !isPending) mutate(next);
  }, [next, isPending, mutate]);

  // Whoever comes back begins at the end.
  useEffect(() => {
    if (id === undefined) return;
    return () => {
      const here = queries.getQueryData<Loaded>(keyOf(id));
      const kept = onlyNewest(here);
      if (kept === here) return;
      queries.setQueryData(keyOf(id), kept);
      // What was told meanwhile, and is not read yet, is not forgotten by that.
      void queries.invalidateQueries({ queryKey: keyOf(id), refetchType: "none" });
    };
  }, [id, queries]);

  return {
    messages: data?.messages,
    isPending: query.isPending,
    error: query.error,
    refetch: query.refetch,
    isFetching: query.isFetching || isPending,
    older: { more: next !== null, loading: isPending, error, load: loadOlder },
  };
}

function onlyNewest(here: Loaded | undefined): Loaded | undefined {
  const at = here?.messages.findIndex(({ id }) => id === here.newest.from) ?? -1;
  if (here === undefined || at <= 0) return here;
  return { ...here, messages: here.messages.slice(at), next: here.newest.next };
}
