import { useSyncExternalStore } from "react";
import { takeTokensFrom } from "../api";
import { createSession } from "./store";

export { useMe } from "./me";
export { useSaveSettings, useSettings } from "./settings";
export { remembered } from "./store";

/** The session of this page. */
export const session = createSession(new BroadcastChannel("parley.session"));
takeTokensFrom(session);

/** Who is logged in, and whether that is known yet. */
export function useSession() {
  return useSyncExternalStore(session.subscribe, session.state);
}
