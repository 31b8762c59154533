import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { useSessionRun } from "../../stream/use";
import { entriesOf, isShown } from "./entries";
import { useMessages } from "./messages";
import { isHeld, outbox } from "./outbox";

// A notice tells of an answer's end as soon as it is saved; so soon it is looked for without one.
const SOON = 500;
const AGAIN = 3_000;

/** Reads the messages again as long as an answer that has ended is not among them. */
function useMissing(sessionId: string | undefined): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (sessionId === undefined) return;
    const look = () =>
      void queries.invalidateQueries(
        { queryKey: ["messages", sessionId] },
        { cancelRefetch: false },
      );
    const soon = setTimeout(look, SOON);
    const again = setInterval(look, AGAIN);
    return () => {
      clearTimeout(soon);
      clearInterval(again);
    };
  }, [sessionId, queries]);
}

/** The log of a conversation, what is queued in it, and whether something can be asked at once. */
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
  const isMissing = entries.some((one) => one.kind === "answer" && one.run?.live === false);
  useMissing(isMissing ? sessionId : undefined);
  const sending = pending.some(({ status }) => status === "sending");
  const idle = !sending && run?.live !== true;
  const queued = useMemo(() => pending.filter(({ status }) => status === "queued"), [pending]);
  const held = idle && queued[0] !== undefined && isHeld(queued[0], run);
  return { query, messages, entries, run, pending, queued, held, idle };
}
