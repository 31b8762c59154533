import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ok, type Schema } from "../../api";

import { useNow } from "../../ui/useNow";

export type Share = Schema<"Share">;
type SharePage = Schema<"Page_Share_">;

/** All shares of one's own begin with it. */
export const sharesKey = ["shares"];

/** All of one's shares, or those of a conversation, newest first. */
export const sharesQuery = (sessionId?: string) =>
  infiniteQueryOptions({
    queryKey: [...sharesKey, sessionId ?? "all"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ signal, pageParam }) => {
      const query = { limit: 50, ...(pageParam && { cursor: pageParam }) };
      return sessionId === undefined
        ? ok(api.GET("/api/v1/chat/shares", { signal, params: { query } }))
        : ok(
            api.GET("/api/v1/chat/sessions/{session_id}/shares", {
              signal,
              params: { path: { session_id: sessionId }, query },
            }),
          );
    },
    getNextPageParam: (page: SharePage) => page.next_cursor ?? undefined,
  });

/** Whether its link still opens it. */
export function isOpen(share: Share, now = Date.now()): boolean {
  const lasts = share.expires_at === null || new Date(share.expires_at).getTime() > now;
  return lasts && (share.max_views === null || share.opens < share.max_views);
}

const sharedQuery = queryOptions({
  queryKey: [...sharesKey, "sessions"],
  staleTime: 60_000,
  async queryFn({ signal }) {
    const open: Share[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: 100, ...(cursor && { cursor }) };
      const page = await ok(api.GET("/api/v1/chat/shares", { signal, params: { query } }));
      open.push(...page.items.filter((share) => isOpen(share)));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return open;
  },
});

const NONE: readonly Share[] = [];

/** Whether links can be made here. */
export function useCanShare(): boolean {
  const { data } = useQuery({
    queryKey: ["share-limits"],
    queryFn: ({ signal }) => ok(api.GET("/api/v1/chat/shares/limits", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  // Until that is known, or where it cannot be asked, the server says so of a link.
  return data?.maximum_shares !== 0;
}

/** The conversations that others can look at. */
export function useSharedSessions(): ReadonlySet<string> {
  const { data = NONE } = useQuery(sharedQuery);
  const now = useNow(data.map((share) => share.expires_at));
  return useMemo(
    () => new Set(data.filter((share) => isOpen(share, now)).map((share) => share.session_id)),
    [data, now],
  );
}

/** What is done to shares, after which they are read again. */
export function useShareActions() {
  const queries = useQueryClient();
  const onSuccess = () => queries.invalidateQueries({ queryKey: sharesKey });
  const refresh = useMutation({
    mutationFn: (share_id: string) =>
      ok(api.POST("/api/v1/chat/shares/{share_id}/refresh", { params: { path: { share_id } } })),
    onSuccess,
  });
  const revoke = useMutation({
    mutationFn: (share_id: string) =>
      ok(api.DELETE("/api/v1/chat/shares/{share_id}", { params: { path: { share_id } } })),
    onSuccess,
  });
  const revokeAll = useMutation({
    mutationFn: () => ok(api.DELETE("/api/v1/chat/shares")),
    onSuccess,
  });
  return { refresh, revoke, revokeAll };
}
