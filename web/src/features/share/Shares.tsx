import { useInfiniteQuery } from "@tanstack/react-query";
import { Link2Off, RefreshCw } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { FormError } from "../../ui/Form";
import { IconButton } from "../../ui/IconButton";
import { LoadError } from "../../ui/LoadError";
import { Badge, Row, Rows } from "../../ui/Section";
import { Spinner } from "../../ui/Spinner";
import { tell } from "../../ui/tell";
import { toast } from "../../ui/toast";
import { useNow } from "../../ui/useNow";
import { titleOf } from "../sidebar/titleOf";
import { isOpen, type Share, sharesQuery, useShareActions } from "./requests";

/** Shares of one's own: all of them, each with its conversation, or those of one. */
export function Shares({ sessionId, none }: { sessionId?: string; none?: ReactNode }) {
  const t = useText();
  const [doomed, setDoomed] = useState<Share>();
  const shares = useInfiniteQuery(sharesQuery(sessionId));
  const items = shares.data?.pages.flatMap((page) => page.items);
  const now = useNow(items?.map((share) => share.expires_at) ?? []);
  if (shares.isPending) return <Spinner />;
  return (
    <>
      <LoadError of={[shares]} />
      {items?.length === 0 && none}
      <Rows label={t.shares.links}>
        {items?.map((share) => (
          <ShareRow
            key={share.id}
            share={share}
            now={now}
            named={sessionId === undefined}
            onRevoke={() => setDoomed(share)}
          />
        ))}
      </Rows>
      {shares.hasNextPage && (
        <Button pending={shares.isFetchingNextPage} onClick={() => void shares.fetchNextPage()}>
          {t.common.more}
        </Button>
      )}
      <RevokeDialog share={doomed} onClose={() => setDoomed(undefined)} />
    </>
  );
}

function ShareRow({
  share,
  now,
  named,
  onRevoke,
}: {
  share: Share;
  now: number;
  /** Whether it is told of which conversation it is. */
  named: boolean;
  onRevoke: () => void;
}) {
  const t = useText();
  const { ago, moment, number } = useFormat();
  const { refresh } = useShareActions();
  const title = titleOf(share) || t.sidebar.untitled;
  const made = t.shares.made(ago(share.created_at));
  const { expires_at: expiresAt, max_views: most, opens } = share;
  const isOver = expiresAt !== null && Date.parse(expiresAt) <= now;
  const open = isOpen(share, now);
  const notes = [
    named && made,
    most === null
      ? t.shares.opened(opens, number(opens))
      : t.shares.openedOf(number(opens), number(most)),
    expiresAt && (isOver ? t.shares.expired : t.shares.until(moment(expiresAt))),
    share.audience === "members" && t.shares.members,
    share.has_password && t.shares.withPassword,
    share.include_files && t.shares.withFiles,
    share.refreshed_at !== share.created_at && t.shares.refreshedAt(ago(share.refreshed_at)),
  ];
  return (
    <Row
      title={
        <>
          {named ? <Link href={routes.chat(share.session_id)}>{title}</Link> : made}
          {!open && <Badge tone="warning">{t.shares.over}</Badge>}
        </>
      }
      note={notes.filter(Boolean).join(" · ")}
    >
      {/* What opens no more shows nothing newer either. */}
      {open && (
        <IconButton
          icon={RefreshCw}
          label={t.shares.refresh(title)}
          disabled={refresh.isPending}
          onClick={() =>
            refresh.mutate(share.id, {
              onSuccess: () => toast.show({ text: t.shares.refreshed }),
              onError: (error) => tell(error, t),
            })
          }
        />
      )}
      <IconButton icon={Link2Off} label={t.shares.revoke(title)} onClick={onRevoke} />
    </Row>
  );
}

function RevokeDialog({ share, onClose }: { share: Share | undefined; onClose: () => void }) {
  const t = useText();
  const { revoke } = useShareActions();
  return (
    <Dialog
      open={share !== undefined}
      onClose={onClose}
      title={t.shares.revokeTitle}
      actions={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            look="danger"
            pending={revoke.isPending}
            onClick={() => share && revoke.mutate(share.id, { onSuccess: onClose })}
          >
            {t.shares.revokeIt}
          </Button>
        </>
      }
    >
      <p>{t.shares.revokeAsk}</p>
      <FormError error={revoke.error} />
    </Dialog>
  );
}
