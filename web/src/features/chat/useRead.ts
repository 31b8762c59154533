import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, ok } from "../../api";
import type { Message } from "./messages";
import type { Session } from "./queries";

/** Says that a conversation was read up to an answer, once that is seen; a question is one's own. */
export function useRead(session: Session | undefined, last: Message | undefined): void {
  const queries = useQueryClient();
  const id = session?.id;
  const order = last?.order ?? 0;
  const isAnswer = last?.role === "assistant" && last.session_id === id;
  const isNew = session !== undefined && isAnswer && order > session.read_order;
  useEffect(() => {
    if (!isNew || id === undefined) return;
    const read = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", read);
      void tell(id, order).then(
        (changed) => queries.setQueryData(["session", id], changed),
        // It is told with the next message, or the next time it is opened.
        () => undefined,
      );
    };
    document.addEventListener("visibilitychange", read);
    read();
    return () => document.removeEventListener("visibilitychange", read);
  }, [isNew, id, order, queries]);
}

function tell(id: string, order: number): Promise<Session> {
  return ok(
    api.PATCH("/api/v1/chat/sessions/{session_id}", {
      params: { path: { session_id: id } },
      body: { read_order: order },
    }),
  );
}
