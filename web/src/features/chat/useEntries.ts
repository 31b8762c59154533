import { useEffect, useMemo, useSyncExternalStore } from "react";
import { useSessionRun } from "../../stream/use";
import { entriesOf, isShown } from "./entries";
import { outbox } from "./outbox";
import { useMessages } from "./queries";

/** The log of a conversation, and whether something can be asked in it. */
export function useEntries(sessionId: string | undefined, place: string) {
  const query = useMessages(sessionId);
  const { messages } = query;
  const pending = useSyncExternalStore(outbox.subscribe, () => outbox.at(place));
  const run = useSessionRun(sessionId);
  const entries = useMemo(
    () => entriesOf(messages ?? [], pending, run, (id) => outbox.keyOf(id)),
    [messages, pending, run],
  );
  useEffect(() => {
    if (messages) outbox.settle(place, (one) => isShown(messages, one));
  }, [messages, place]);
  const sending = pending.some(({ status }) => status === "sending");
  return { query, messages, entries, run, pending, idle: !sending && run?.live !== true };
}
