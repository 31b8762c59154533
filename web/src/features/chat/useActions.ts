import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useLocation } from "wouter";
import { api, ok } from "../../api";
import { oncePerMade } from "../../api/repeatable";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { asks, runs } from "../../stream";
import { tell } from "../../ui/tell";
import { toast } from "../../ui/toast";
import type { Attached } from "../files/transfer";
import { editOf } from "./drafts";
import { keptWish } from "./kept";
import type { Message } from "./messages";
import { outbox } from "./outbox";

/** With what another answer is to be made. */
export interface OtherModel {
  key_id?: string | null;
  model?: string | null;
}

/** What can be done with the messages of a conversation. What fails says so, and changes nothing. */
export interface Actions {
  regenerate(message: Message, other?: OtherModel): void;
  /** `files`: what is attached to it from now on; undefined: what was. */
  editQuestion(message: Message, content: string, files?: readonly Attached[]): void;
  /** Resolves to whether it was kept. */
  editAnswer(message: Message, content: string): Promise<boolean>;
  continueRun(runId: string): Promise<void>;
  stop(runId: string): Promise<void>;
  choose(messageId: string): Promise<void>;
  fork(message: Message): Promise<void>;
  saveNote(message: Message): Promise<void>;
  /** Asks whether it is to be deleted, with all that follows it. */
  remove(message: Message): void;
}

// A second press before the answer to the first, or behind one that was lost, makes nothing twice.
const forks = oncePerMade();
const notes = oncePerMade();

/**
 * `pin` hears the key of the question that is to be at the top; undefined: that of a new one.
 * `onGoOn`: an answer is gone on with, and the button for that is not there any more. `remove`: somebody wants
 * a message deleted.
 */
export function useActions(
  sessionId: string | undefined,
  place: string,
  pin: (key: string | undefined) => void,
  onGoOn: () => void,
  remove: (message: Message) => void,
): Actions {
  const t = useText();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  return useMemo(() => {
    const told = (error: unknown) => {
      tell(error, t);
    };
    const id = sessionId ?? "";
    const readAgain = () => queries.invalidateQueries({ queryKey: ["messages", id] });
    return {
      remove,
      regenerate(message, other) {
        const question = message.role === "user" ? message.id : message.parent_id;
        if (question === null) return;
        pin(outbox.keyOf(question));
        void outbox
          .put(place, {
            kind: "again",
            content: "",
            messageId: question,
            sessionId: id,
            asking: { ...other },
          })
          .then((begun) => {
            const failed = outbox
              .at(place)
              .find(
                (one) =>
                  one.kind === "again" && one.messageId === question && one.status === "failed",
              );
            if (begun !== undefined || failed === undefined) return;
            // The answer that there is stays; nothing has to be tried again but the press.
            outbox.drop(place, failed.press);
            told(failed.error);
          });
      },
      editQuestion(message, content, files) {
        pin(undefined);
        const draft = editOf(message.id);
        const asking = {
          ...keptWish(),
          ...(files && { attachments: files.map((one) => one.id) }),
        };
        const edit = { kind: "edit", content, draft, messageId: message.id } as const;
        void outbox.put(place, { ...edit, sessionId: id, asking });
      },
      async editAnswer(message, content) {
        try {
          await asks.begin({ type: "edit", session_id: id, message_id: message.id, content }).begun;
          await readAgain();
          return true;
        } catch (error) {
          told(error);
          return false;
        }
      },
      async continueRun(runId) {
        await asks.begin({ type: "continue", run_id: runId }).begun.then(onGoOn, told);
      },
      async stop(runId) {
        await runs.stop(runId).catch(told);
      },
      async choose(messageId) {
        const path = { session_id: id, message_id: messageId };
        try {
          await ok(
            api.POST("/api/v1/chat/sessions/{session_id}/messages/{message_id}/choose", {
              params: { path },
            }),
          );
          outbox.settle(place, () => true);
          await readAgain();
        } catch (error) {
          told(error);
        }
      },
      async fork(message) {
        try {
          const made = await forks(message.id, (headers) =>
            ok(
              api.POST("/api/v1/chat/sessions/{session_id}/fork", {
                params: { path: { session_id: id } },
                body: { message_id: message.id },
                headers,
              }),
            ),
          );
          queries.setQueryData(["session", made.id], made);
          navigate(routes.chat(made.id));
          toast.show({ text: t.chat.forked });
        } catch (error) {
          told(error);
        }
      },
      async saveNote(message) {
        try {
          const note = await notes(message.id, (headers) =>
            ok(api.POST("/api/v1/notes", { body: { message_id: message.id }, headers })),
          );
          const open = { label: t.chat.openNote, run: () => navigate(routes.note(note.id)) };
          toast.show({ text: t.chat.savedAsNote, action: open });
          await queries.invalidateQueries({ queryKey: ["notes"] });
        } catch (error) {
          told(error);
        }
      },
    };
  }, [sessionId, place, pin, onGoOn, remove, t, queries, navigate]);
}
