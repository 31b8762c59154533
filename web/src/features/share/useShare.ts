import {
  type InfiniteData,
  infiniteQueryOptions,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { ApiError, api, authorisedFetch, errorOf, ok, type Schema } from "../../api";
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

/** What is in a file that is shared; within the hour it is no view more. Throws ApiError. */
export async function sharedContent(
  token: string,
  fileId: string,
  signal?: AbortSignal,
): Promise<Blob> {
  const [share, file] = [token, fileId].map(encodeURIComponent);
  const address = new URL(`/api/v1/shares/${share}/files/${file}/content`, location.origin);
  const opening = openings.of(token);
  const headers: Record<string, string> = opening ? { "X-Share-Opening": opening } : {};
  const asked = new Request(address, { headers, ...(signal && { signal }) });
  const answer = await authorisedFetch(asked);
  if (!answer.ok) throw await errorOf(answer);
  return answer.blob();
}

const shareQuery = (token: string) =>
  infiniteQueryOptions({
    queryKey: ["share", token],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ signal, pageParam }) =>
      openPage(token, { signal, ...(pageParam && { cursor: pageParam }) }),
    getNextPageParam: (page: SharedPage) => page.next_cursor ?? undefined,
    // Each time may be another view: a lost answer as well, and once the hour is over.
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

/** A share as others see it, page by page: `more` reads on, and `unlock` opens it with a password. */
export function useShare(token: string) {
  const queries = useQueryClient();
  const query = useInfiniteQuery(shareQuery(token));
  const unlock = useMutation({
    mutationFn: (password: string) => openPage(token, { password }),
    onSuccess(page) {
      const wasRead = query.data !== undefined;
      // What was read before the hour was over stays, and is read on.
      queries.setQueryData<InfiniteData<SharedPage, string | undefined>>(
        shareQuery(token).queryKey,
        (read) => read ?? { pages: [page], pageParams: [undefined] },
      );
      if (wasRead) void more();
    },
  });
  async function more() {
    const { error } = await query.fetchNextPage();
    // It was refreshed in between: what is behind these pages is of something else.
    if (error instanceof ApiError && error.status === 422)
      await queries.resetQueries({ queryKey: shareQuery(token).queryKey });
  }
  return { query, unlock, more };
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
