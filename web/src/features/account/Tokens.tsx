import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, ok, type Schema } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { FormError } from "../../ui/Form";
import { IconButton } from "../../ui/IconButton";
import { LoadError } from "../../ui/LoadError";
import { Row, Rows, Section } from "../../ui/Section";
import { NewTokenDialog } from "./NewToken";
import { tokensKey } from "./tokensKey";

type Token = Schema<"Token">;

/** Personal access tokens: what programs of the user's show in place of a log-in. */
export function Tokens() {
  const t = useText();
  const [making, setMaking] = useState(false);
  const [doomed, setDoomed] = useState<Token>();
  const tokens = useInfiniteQuery({
    queryKey: tokensKey,
    queryFn: ({ signal, pageParam }) =>
      ok(api.GET("/api/v1/tokens", { signal, params: { query: { cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = tokens.data?.pages.flatMap((page) => page.items);
  return (
    <Section
      title={t.account.tokens}
      hint={t.account.tokensHint}
      actions={
        <Button small icon={Plus} onClick={() => setMaking(true)}>
          {t.account.newToken}
        </Button>
      }
    >
      <LoadError of={[tokens]} />
      {items?.length === 0 && <p>{t.account.noTokens}</p>}
      <Rows label={t.account.tokens}>
        {items?.map((token) => (
          <TokenRow key={token.id} token={token} onDelete={() => setDoomed(token)} />
        ))}
      </Rows>
      {tokens.hasNextPage && (
        <Button pending={tokens.isFetchingNextPage} onClick={() => void tokens.fetchNextPage()}>
          {t.common.more}
        </Button>
      )}
      <NewTokenDialog open={making} onClose={() => setMaking(false)} />
      <DeleteDialog token={doomed} onClose={() => setDoomed(undefined)} />
    </Section>
  );
}

function TokenRow({ token, onDelete }: { token: Token; onDelete: () => void }) {
  const t = useText();
  const { ago, day } = useFormat();
  const over = token.expires_at !== null && new Date(token.expires_at) <= new Date();
  const notes = [
    token.scopes.map((scope) => t.account.scopes[scope] ?? scope).join(", "),
    token.last_used_at ? t.account.tokenUsed(ago(token.last_used_at)) : t.account.tokenNeverUsed,
    token.expires_at &&
      (over ? t.account.tokenExpired : t.account.tokenUntil(day(token.expires_at))),
  ];
  return (
    <Row title={token.name} note={notes.filter(Boolean).join(" · ")}>
      <IconButton icon={Trash2} label={t.account.deleteToken(token.name)} onClick={onDelete} />
    </Row>
  );
}

function DeleteDialog({ token, onClose }: { token: Token | undefined; onClose: () => void }) {
  const t = useText();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (token_id: string) =>
      ok(api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id } } })),
    onSuccess() {
      onClose();
      return queries.invalidateQueries({ queryKey: tokensKey });
    },
  });
  return (
    <Dialog
      open={token !== undefined}
      onClose={onClose}
      title={t.account.deleteTokenTitle}
      actions={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            look="danger"
            pending={remove.isPending}
            onClick={() => token && remove.mutate(token.id)}
          >
            {t.common.remove}
          </Button>
        </>
      }
    >
      <p>{token && t.account.deleteTokenAsk(token.name)}</p>
      <FormError error={remove.error} />
    </Dialog>
  );
}
