import { QueryObserver } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { queries } from "./queries";
import { session } from "./session";

test("nothing of one user is left for the next, be it on the screen or not", () => {
  const queryKey = ["messages", "s"];
  queries.setQueryData(queryKey, "of the first");
  queries.setQueryData(["session", "s"], "of the first");
  const shown = new QueryObserver(queries, { queryKey, staleTime: Infinity });
  const leave = shown.subscribe(() => undefined);
  session.ended();
  expect(queries.getQueryCache().getAll()).toEqual([]);
  leave();
});
