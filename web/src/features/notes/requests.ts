import {
  type InfiniteData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";
import { oncePerMade } from "../../api/repeatable";
import { queries } from "../../queries";
import { afterWork } from "./open";
import type { Note, Server } from "./saver";

export type ListedNote = Schema<"ListedNote">;
type Pages = InfiniteData<Schema<"Page_ListedNote_">>;

const NOTES = ["notes"];
const AT_ONCE = 50;

export interface Wanted {
  q: string;
  tag: string;
}

/** Notes by page, the most recently changed first: query `["notes", wanted]`. */
export function useNotes(wanted: Wanted) {
  return useInfiniteQuery({
    queryKey: [...NOTES, wanted],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/api/v1/notes", {
          signal,
          params: {
            query: {
              limit: AT_ONCE,
              ...(wanted.q && { q: wanted.q }),
              ...(wanted.tag && { tag: wanted.tag }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
        // What openapi-fetch makes of a pair is a list of numbers.
      ) as Promise<Schema<"Page_ListedNote_">>,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // What was found for the last letters stays until there is something better.
    placeholderData: (before) => before,
  });
}

/** A note as the server has it. Throws ApiError. */
export const readNote = (id: string, signal?: AbortSignal) =>
  ok(
    api.GET("/api/v1/notes/{note_id}", {
      params: { path: { note_id: id } },
      ...(signal && { signal }),
    }),
  );

/** One note: query `["note", id]`. It is read once: its editor follows what becomes of it. */
export function useNote(id: string) {
  return useQuery({
    queryKey: ["note", id],
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    queryFn: ({ signal }) => afterWork(id, () => readNote(id, signal)),
  });
}

// A press behind a lost answer opens the note that was kept.
const newNotes = oncePerMade();

/** Keeps a new note. */
export function useNewNote() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (title: string) =>
      newNotes(title, (headers) =>
        ok(api.POST("/api/v1/notes", { body: { title, content: "" }, headers })),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: NOTES }),
  });
}

/** Where notes are changed. */
export const server: Server = {
  read: readNote,
  change: (id, change, version, closing = false) =>
    ok(
      api.PATCH("/api/v1/notes/{note_id}", {
        params: { path: { note_id: id } },
        headers: { "If-Match": `"${version}"` },
        body: change,
        keepalive: closing,
      }),
    ),
};

/** Deletes one for good. */
export async function deleteNote(id: string, closing: boolean): Promise<void> {
  const params = { path: { note_id: id } };
  await ok(api.DELETE("/api/v1/notes/{note_id}", { params, keepalive: closing }));
  await queries.invalidateQueries({ queryKey: NOTES });
}

/** Shows a note that was saved in the lists as it is now, where it stands in them. */
export function showInLists(note: Note): void {
  queries.setQueriesData<Pages>({ queryKey: NOTES }, (pages) =>
    pages === undefined
      ? undefined
      : {
          ...pages,
          pages: pages.pages.map((page) => ({
            ...page,
            items: page.items.map((one) => (one.id === note.id ? { ...one, ...note } : one)),
          })),
        },
  );
}
