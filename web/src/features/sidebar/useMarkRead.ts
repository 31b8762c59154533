import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { api, ok } from "../../api";
import { useSessionRun } from "../../stream/use";
import { place } from "./lists";

/** Of an order that is higher than any, the highest there is counts as read. */
const ALL = 2 ** 31 - 1;

/** The conversation that somebody has before their eyes is read, with each answer that ends in it. */
export function useMarkRead(id: string | undefined): void {
  const queries = useQueryClient();
  const seen = useVisible();
  const answering = useSessionRun(id)?.live ?? false;
  const params = { path: { session_id: id ?? "" } };
  const { data: session } = useQuery({
    queryKey: ["session", id],
    queryFn: ({ signal }) => ok(api.GET("/api/v1/chat/sessions/{session_id}", { params, signal })),
    enabled: id !== undefined,
  });
  const { mutate } = useMutation({
    mutationFn: (session_id: string) =>
      ok(
        api.PATCH("/api/v1/chat/sessions/{session_id}", {
          params: { path: { session_id } },
          body: { read_order: ALL },
        }),
      ),
    onSuccess: (read) => place(queries, read),
  });
  const unread = session?.id === id && session?.unread === true && !answering;
  const version = session?.updated_at;

  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each state of the conversation
  useEffect(() => {
    if (id !== undefined && seen && unread) mutate(id);
  }, [id, seen, unread, version, mutate]);
}

function useVisible(): boolean {
  return useSyncExternalStore(
    (listener) => {
      document.addEventListener("visibilitychange", listener);
      return () => document.removeEventListener("visibilitychange", listener);
    },
    () => !document.hidden,
  );
}
