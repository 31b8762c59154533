import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api";
import { session } from "./session";

/** What the server said, kept for as long as it is likely to hold. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // What was refused stays refused; what was not reached, or broke, is asked again.
      retry: (failures, error) =>
        failures < 3 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 8_000),
    },
  },
});

// Nothing of one user is left for the next.
session.onEnd(() => queries.clear());
