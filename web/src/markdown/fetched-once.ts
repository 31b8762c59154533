/**
 * `fetch`, once for all who ask; what could not be fetched is asked for anew. An `import()` as Vite builds it looks
 * through the whole page for its files each time, which in a long conversation takes as long as all the rest.
 */
export function fetchedOnce<Fetched>(fetch: () => Promise<Fetched>): () => Promise<Fetched> {
  let fetching: Promise<Fetched> | undefined;
  return () => {
    fetching ??= fetch().catch((error: unknown) => {
      fetching = undefined;
      throw error;
    });
    return fetching;
  };
}
