import { Link2Off } from "lucide-react";
import { useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { FormError } from "../../ui/Form";
import { Page } from "../../ui/Page";
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
      actions={
        shared.size > 0 && (
          <Button small icon={Link2Off} onClick={() => setAsking(true)}>
            {t.shares.revokeAll}
          </Button>
        )
      }
    >
      <p>{t.shares.hint}</p>
      <Shares none={t.shares.none} />
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
