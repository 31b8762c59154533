import {
  type InfiniteData,
  infiniteQueryOptions,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";
import { openings } from "./openings";

export type SharedMessage = Schema<"SharedMessage">;
type SharedPage = Schema<"SharedConversation">;

async function openPage(
  token: string,
  { cursor, password, signal }: { cursor?: string; password?: string; signal?: AbortSignal },
): Promise<SharedPage> {
  const opening = openings.of(token);
  const page = await ok(
    api.GET("/api/v1/shares/{token}", {
      ...(signal && { signal }),
      params: {
        path: { token },
        query: { limit: 100, ...(cursor && { cursor }) },
        header: {
          ...(opening && { "x-share-opening": opening }),
          // A header has no letters but those of ASCII.
          ...(password !== undefined && { "x-share-password": encodeURIComponent(password) }),
        },
      },
    }),
  );
  openings.keep(token, page.opening);
  return page;
}

const shareQuery = (token: string) =>
  infiniteQueryOptions({
    queryKey: ["share", token],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ signal, pageParam }) =>
      openPage(token, { signal, ...(pageParam && { cursor: pageParam }) }),
    getNextPageParam: (page: SharedPage) => page.next_cursor ?? undefined,
    // Each time would be another view, once the hour is over.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

/** A share as others see it, page by page; `unlock` opens it with a password. */
export function useShare(token: string) {
  const queries = useQueryClient();
  const query = useInfiniteQuery(shareQuery(token));
  const unlock = useMutation({
    mutationFn: (password: string) => openPage(token, { password }),
    onSuccess: (page) =>
      queries.setQueryData<InfiniteData<SharedPage, string | undefined>>(
        shareQuery(token).queryKey,
        { pages: [page], pageParams: [undefined] },
      ),
  });
  return { query, unlock };
}

/** Copies a share into a conversation of one's own. */
export function useFork(token: string, headersOf: (body: unknown) => Record<string, string>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => {
      const opening = openings.of(token);
      return ok(
        api.POST("/api/v1/shares/{token}/fork", {
          params: { path: { token }, header: opening ? { "x-share-opening": opening } : {} },
          headers: headersOf(token),
        }),
      );
    },
    // Lists of conversations that are here do not have it.
    onSuccess: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
}
