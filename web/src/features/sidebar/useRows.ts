import { useMemo, useState } from "react";
import type { Session } from "./lists";
import { type Places, placesOf, type Row, rowsOf } from "./order";

/**
 * Rows of a list that stands still while `hold` is not null. Another number lets it move once: by
 * what somebody just did to it.
 */
export function useRows(sessions: readonly Session[], hold: number | null): Row[] {
  const [held, setHeld] = useState<{ hold: number; places: Places } | null>(null);
  if ((held?.hold ?? null) !== hold)
    setHeld(hold === null ? null : { hold, places: placesOf(sessions) });
  return useMemo(() => rowsOf(sessions, held?.places ?? null), [sessions, held]);
}
