import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { ApiError, errorText } from "../../api";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { useTitle } from "../../shell/useTitle";
import { newKey } from "../../stream";
import { Spinner } from "../../ui/Spinner";
import { Beginning } from "./Beginning";
import { Conversation } from "./Conversation";
import styles from "./Conversation.module.css";
import { knownChoices, sessionOf, useChoices } from "./choices";
import { NewHeader, SessionHeader } from "./Header";
import { outbox } from "./outbox";
import { keysQuery, useChangeSession, useChatSession } from "./queries";
import { useEntries } from "./useEntries";
import { useRead } from "./useRead";

/** The conversation `id`, or a new one. */
export default function ChatPage({ id }: { id: string | undefined }) {
  const [at, setAt] = useState(() => ({ id, place: id ?? newKey() }));
  if (at.id !== id) {
    // A conversation that was made for a question stays where that was asked.
    const stays = id !== undefined && at.id === undefined && outbox.birthplace(id) === at.place;
    setAt({ id, place: stays ? at.place : (id ?? newKey()) });
  }
  return <Place key={at.place} id={at.id} place={at.place} />;
}

/** One conversation on the page, from before it is made. */
function Place({ id, place }: { id: string | undefined; place: string }) {
  const t = useText();
  const log = useEntries(id, place);
  const { query, entries, messages } = log;
  const { data: keys } = useQuery(keysQuery);
  const { data: session, error } = useChatSession(id);
  const { mutateAsync } = useChangeSession(id ?? "");
  const { choices: chosen, change } = useChoices();
  const choices = knownChoices(chosen, keys);
  const isNew = id === undefined;
  const failed = isNew ? null : (error ?? query.error);
  const gone = failed instanceof ApiError && failed.status === 404;
  useTitle(isNew ? t.chat.newChat : (session?.title ?? ""));
  useRead(session, messages?.at(-1));

  const foot = (ask: (text: string) => void) => {
    if (entries.length > 0) return null;
    if (isNew) return <Beginning choices={choices} onChange={change} onStarter={ask} />;
    if (gone) return <Gone />;
    if (failed) return <p className={styles.notice}>{errorText(failed, t)}</p>;
    if (query.isPending) return <Spinner />;
    return <p className={styles.notice}>{t.chat.noMessages}</p>;
  };

  return (
    <Conversation
      sessionId={id}
      place={place}
      log={log}
      making={isNew ? sessionOf(choices) : undefined}
      blocked={gone || (isNew && keys?.length === 0)}
      header={
        isNew ? (
          <NewHeader choices={choices} onChange={change} />
        ) : (
          <SessionHeader session={session} onChange={mutateAsync} />
        )
      }
      foot={foot}
    />
  );
}

function Gone() {
  const t = useText();
  return (
    <div className={styles.notice}>
      <p>{t.chat.notFound}</p>
      <Link href={routes.home}>{t.chat.newChat}</Link>
    </div>
  );
}
