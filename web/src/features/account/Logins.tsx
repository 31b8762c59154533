import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type Schema } from "../../api";
import { type Texts, useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { session } from "../../session";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { FormError } from "../../ui/Form";
import { LoadError } from "../../ui/LoadError";
import { Badge, Row, Rows, Section } from "../../ui/Section";
import { tell } from "../../ui/tell";
import { toast } from "../../ui/toast";
import { deviceOf } from "./device";

export const loginsKey = ["logins"];

/** Where one is logged in, and how that ends. */
export function Logins() {
  const t = useText();
  const [asking, setAsking] = useState(false);
  const logins = useInfiniteQuery({
    queryKey: loginsKey,
    queryFn: ({ signal, pageParam }) =>
      ok(
        api.GET("/api/v1/me/logins", {
          signal,
          // Few at first: there is more on this page.
          params: { query: { cursor: pageParam, limit: pageParam === undefined ? 5 : 50 } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const endAll = useMutation({
    mutationFn: () => ok(api.DELETE("/api/v1/me/logins")),
    onSuccess: () => session.ended(),
  });
  return (
    <Section
      title={t.account.logins}
      hint={t.account.loginsHint}
      actions={
        <Button small onClick={() => setAsking(true)}>
          {t.account.endAll}
        </Button>
      }
    >
      <LoadError of={[logins]} />
      <Rows label={t.account.logins}>
        {logins.data?.pages.flatMap(({ items }) =>
          items.map((login) => <Login key={login.id} login={login} />),
        )}
      </Rows>
      {logins.hasNextPage && (
        <Button pending={logins.isFetchingNextPage} onClick={() => void logins.fetchNextPage()}>
          {t.common.more}
        </Button>
      )}
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title={t.account.endAll}
        actions={
          <>
            <Button onClick={() => setAsking(false)}>{t.common.cancel}</Button>
            <Button look="danger" pending={endAll.isPending} onClick={() => endAll.mutate()}>
              {t.account.endAll}
            </Button>
          </>
        }
      >
        <p>{t.account.endAllAsk}</p>
        <FormError error={endAll.error} />
      </Dialog>
    </Section>
  );
}

function Login({ login }: { login: Schema<"Login"> }) {
  const t = useText();
  const { ago } = useFormat();
  const queries = useQueryClient();
  const device = deviceText(login.user_agent, t);
  const end = useMutation({
    mutationFn: () =>
      ok(api.DELETE("/api/v1/me/logins/{login_id}", { params: { path: { login_id: login.id } } })),
    onSuccess() {
      toast.show({ text: t.account.loginEnded });
      return queries.invalidateQueries({ queryKey: loginsKey });
    },
    onError: (error) => tell(error, t),
  });
  return (
    <Row
      title={
        <>
          {device}
          {login.current && <Badge tone="good">{t.account.thisOne}</Badge>}
        </>
      }
      note={`${login.ip} · ${t.account.lastUsed(ago(login.last_used_at))}`}
    >
      {!login.current && (
        <Button
          small
          aria-label={t.account.endLoginOf(device)}
          pending={end.isPending}
          onClick={() => end.mutate()}
        >
          {t.account.endLogin}
        </Button>
      )}
    </Row>
  );
}

function deviceText(userAgent: string, t: Texts): string {
  const { browser, system } = deviceOf(userAgent);
  if (!browser) return t.account.unknownDevice;
  return system ? t.account.on(browser, system) : browser;
}
