import { useQuery } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useLayoutEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { isNotFound } from "../../api";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { useTitle } from "../../shell/useTitle";
import { Button } from "../../ui/Button";
import { ErrorText } from "../../ui/ErrorText";
import { Spinner } from "../../ui/Spinner";
import { titleOf } from "../sidebar/titleOf";
import { Beginning } from "./Beginning";
import { Conversation } from "./Conversation";
import styles from "./Conversation.module.css";
import { knownChoices, sessionOf, useChoices } from "./choices";
import { NewHeader, SessionHeader } from "./Header";
import { outbox } from "./outbox";
import { keysQuery, type Session, useChangeSession, useChatSession } from "./queries";
import { useEntries } from "./useEntries";
import { useRead } from "./useRead";

/** The conversation `id`, or a new one. */
export default function ChatPage({ id }: { id: string | undefined }) {
  const [at, setAt] = useState(() => ({ id, place: outbox.placeOf(id) }));
  if (at.id !== id) setAt({ id, place: outbox.placeOf(id) });
  return <Place key={at.place} id={at.id} place={at.place} />;
}

/** One conversation on the page, from before it is made. */
function Place({ id, place }: { id: string | undefined; place: string }) {
  const t = useText();
  const log = useEntries(id, place);
  const { query, entries, messages, pending } = log;
  const { data: keys } = useQuery(keysQuery);
  const { data: session, error, refetch } = useChatSession(id);
  const { mutateAsync } = useChangeSession(id ?? "");
  const { choices: chosen, change } = useChoices();
  const choices = knownChoices(chosen, keys);
  const isNew = id === undefined;
  const made = isNew ? pending.find(({ status }) => status === "begun")?.sessionId : undefined;
  const [, navigate] = useLocation();
  // Whoever has gone elsewhere meanwhile is left there.
  useLayoutEffect(() => {
    if (made !== undefined) navigate(routes.chat(made), { replace: true });
  }, [made, navigate]);
  const failed = isNew ? null : (error ?? query.error);
  const gone = isNotFound(failed);
  useTitle(isNew ? t.chat.newChat : session ? titleOf(session) : "");
  useRead(session, messages?.at(-1));

  const foot = (ask: (text: string) => void) => {
    if (gone) return <Gone />;
    if (entries.length > 0) return null;
    if (isNew) return <Beginning choices={choices} onChange={change} onStarter={ask} />;
    if (failed)
      return (
        <div role="alert" className={styles.notice}>
          <p>
            <ErrorText error={failed} />
          </p>
          <Button
            small
            icon={RotateCcw}
            onClick={() => void Promise.all([query.refetch(), refetch()])}
          >
            {t.common.retry}
          </Button>
        </div>
      );
    if (query.isPending) return <Spinner />;
    return <p className={styles.notice}>{t.chat.noMessages}</p>;
  };

  return (
    <Conversation
      sessionId={id}
      place={place}
      log={log}
      making={isNew ? sessionOf(choices) : undefined}
      shown={shownModel(session)}
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

function shownModel(session: Session | undefined) {
  const { key_id, model } = session ?? {};
  return { ...(key_id && { key_id }), ...(model && { model }) };
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
