import { Link2, Link2Off, MessageSquare, SquarePen } from "lucide-react";
import { useState } from "react";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { Button, ButtonLink } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { FormError } from "../../ui/Form";
import { Page } from "../../ui/Page";
import { sessionsOf, useSessionList } from "../sidebar/lists";
import { useShareActions, useSharedSessions } from "./requests";
import { Shares } from "./Shares";

/** All that one shows others, and how that ends. */
export default function SharesPage() {
  const t = useText();
  const [asking, setAsking] = useState(false);
  const shared = useSharedSessions();
  const { revokeAll } = useShareActions();
  return (
    <Page
      title={t.shares.title}
      about={t.shares.hint}
      actions={
        shared.size > 0 && (
          <Button small icon={Link2Off} onClick={() => setAsking(true)}>
            {t.shares.revokeAll}
          </Button>
        )
      }
    >
      <Shares none={<None />} />
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title={t.shares.revokeAll}
        actions={
          <>
            <Button onClick={() => setAsking(false)}>{t.common.cancel}</Button>
            <Button
              look="danger"
              pending={revokeAll.isPending}
              onClick={() => revokeAll.mutate(undefined, { onSuccess: () => setAsking(false) })}
            >
              {t.shares.revokeAll}
            </Button>
          </>
        }
      >
        <p>{t.shares.revokeAllAsk}</p>
        <FormError error={revokeAll.error} />
      </Dialog>
    </Page>
  );
}

/** A chat is where one shares from: the last one, or the first. */
function None() {
  const t = useText();
  const { data } = useSessionList("active");
  const last = sessionsOf(data)[0];
  return (
    <Empty icon={Link2} text={t.shares.none}>
      {last === undefined ? (
        <ButtonLink href={routes.home} icon={SquarePen}>
          {t.sidebar.newChat}
        </ButtonLink>
      ) : (
        <ButtonLink href={routes.chat(last.id)} icon={MessageSquare}>
          {t.shares.toChat}
        </ButtonLink>
      )}
    </Empty>
  );
}
