import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, isNotFound, ok } from "../../api";
import { useText } from "../../i18n";
import { liveRuns } from "../../stream";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { ErrorText } from "../../ui/ErrorText";
import { drafts, editOf } from "./drafts";
import type { Message } from "./messages";
import { outbox } from "./outbox";

interface Props {
  message: Message;
  place: string;
  onClose: (isDeleted: boolean) => void;
}

/** Whether a message is to be deleted, and how much goes with it. */
export function DeleteDialog({ message, place, onClose }: Props) {
  const t = useText();
  const queries = useQueryClient();
  const path = { session_id: message.session_id, message_id: message.id };
  const extent = useQuery({
    queryKey: ["extent", message.id],
    // What another tab has asked meanwhile goes along.
    gcTime: 0,
    queryFn: ({ signal }) =>
      ok(
        api.GET("/api/v1/chat/sessions/{session_id}/messages/{message_id}/extent", {
          signal,
          params: { path },
        }),
      ),
  });
  const remove = useMutation({
    async mutationFn() {
      try {
        await ok(
          api.DELETE("/api/v1/chat/sessions/{session_id}/messages/{message_id}", {
            params: { path },
          }),
        );
      } catch (error) {
        // Another tab was quicker.
        if (!isNotFound(error)) throw error;
      }
    },
    async onSuccess() {
      drafts.empty(editOf(message.id));
      outbox.settle(place, () => true);
      liveRuns.messagesDeleted(message.session_id);
      await queries.invalidateQueries({ queryKey: ["messages", message.session_id] });
      onClose(true);
    },
  });
  const isKnown = extent.data !== undefined || isNotFound(extent.error);
  const error = remove.error ?? (isKnown ? null : extent.error);
  return (
    <Dialog
      open
      title={t.chat.deleteTitle}
      onClose={() => onClose(false)}
      actions={
        <>
          <Button onClick={() => onClose(false)}>{t.common.cancel}</Button>
          <Button
            look="danger"
            pending={remove.isPending}
            disabled={!isKnown}
            onClick={() => remove.mutate()}
          >
            {t.common.remove}
          </Button>
        </>
      }
    >
      <p role="status">{isKnown ? t.chat.deleteAsk(extent.data?.messages ?? 1) : "…"}</p>
      <p>{t.chat.deleteShares}</p>
      {error && (
        <p role="alert">
          <ErrorText error={error} />
        </p>
      )}
    </Dialog>
  );
}
