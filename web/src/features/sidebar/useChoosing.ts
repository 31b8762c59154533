import { useMemo, useState } from "react";
import type { Session } from "./lists";

/** Conversations that are chosen to do something to all of them, by their ids; null: none is being chosen. */
export type Chosen = ReadonlyMap<string, Session> | null;

export function useChoosing() {
  const [chosen, setChosen] = useState<Chosen>(null);
  const choosing = useMemo(
    () => ({
      /** Chooses one, or takes it out again. The first begins it. */
      toggle(session: Session) {
        setChosen((before) => {
          const after = new Map(before);
          if (!after.delete(session.id)) after.set(session.id, session);
          return after;
        });
      },
      end: () => setChosen(null),
    }),
    [],
  );
  return { chosen, ...choosing };
}
