import { useMemo, useSyncExternalStore } from "react";
import { drafts } from "./drafts";

/** The notes of which this browser has what the server has not. */
export function useUnsaved(): ReadonlySet<string> {
  const ids = useSyncExternalStore(drafts.subscribe, drafts.names);
  return useMemo(() => new Set(ids.split(" ")), [ids]);
}
