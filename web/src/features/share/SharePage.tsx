import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { ApiError } from "../../api";
import { repeatable } from "../../api/repeatable";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { useSession } from "../../session";
import { useTitle } from "../../shell/useTitle";
import { Button } from "../../ui/Button";
import { SecretField } from "../../ui/Field";
import { Form, FormError } from "../../ui/Form";
import { Spinner } from "../../ui/Spinner";
import { Groups } from "../chat/Groups";
import { titleOf } from "../sidebar/titleOf";
import { Door } from "../welcome/Door";
import { continued } from "./openings";
import { Said } from "./Said";
import styles from "./Share.module.css";
import { useFork, useShare } from "./useShare";

const LapsedDialog = lazy(() =>
  import("../welcome/LapsedDialog").then((found) => ({ default: found.LapsedDialog })),
);

/** What somebody has shared: for whoever has the link, with or without an account. */
export default function SharePage({ token }: { token: string }) {
  const share = useShare(token);
  const { query, unlock } = share;
  if (query.data !== undefined) return <Shared token={token} share={share} />;
  if (reasonOf(query.error) === "SHARE_NOT_FOUND") return <Gone token={token} />;
  if (isLocked(query.error)) return <Locked unlock={unlock} />;
  return <Opening error={query.error} onRetry={() => void query.refetch()} />;
}

type Share = ReturnType<typeof useShare>;

function reasonOf(error: Error | null): string | undefined {
  return error instanceof ApiError ? error.reason : undefined;
}

function isLocked(error: Error | null): boolean {
  const reason = reasonOf(error);
  return reason === "SHARE_PASSWORD_NEEDED" || reason === "SHARE_PASSWORD_WRONG";
}

function Opening({ error, onRetry }: { error: Error | null; onRetry: () => void }) {
  const t = useText();
  return (
    <Door
      title={t.shares.shared}
      ways={error && <Button onClick={onRetry}>{t.common.retry}</Button>}
    >
      {error ? <FormError error={error} /> : <Spinner />}
    </Door>
  );
}

/** The same of one that never was, of one that is over, and of one that is for others. */
function Gone({ token }: { token: string }) {
  const t = useText();
  const { status } = useSession();
  return (
    <Door
      title={t.shares.goneTitle}
      ways={
        status === "out" ? (
          <Link href={loginFor(token)}>{t.welcome.logIn}</Link>
        ) : (
          <Link href={routes.home}>{t.common.toStart}</Link>
        )
      }
    >
      <p>{t.shares.gone}</p>
      {status === "out" && <p>{t.shares.goneMembers}</p>}
    </Door>
  );
}

function Locked({ unlock }: { unlock: Share["unlock"] }) {
  const t = useText();
  return (
    <Door title={t.shares.lockedTitle} ways={null}>
      <Password unlock={unlock} />
    </Door>
  );
}

function Password({ unlock }: { unlock: Share["unlock"] }) {
  const t = useText();
  return (
    <>
      <p>{t.shares.locked}</p>
      <Form
        error={unlock.error}
        places={{ SHARE_PASSWORD_WRONG: "password", SHARE_PASSWORD_NEEDED: "password" }}
        onSubmit={(given) => unlock.mutate(String(given.get("password")))}
      >
        <SecretField
          label={t.welcome.password}
          name="password"
          autoComplete="off"
          autoFocus
          required
        />
        <Button type="submit" look="primary" pending={unlock.isPending}>
          {t.shares.open}
        </Button>
      </Form>
    </>
  );
}

function Shared({ token, share }: { token: string; share: Share }) {
  const t = useText();
  const { moment } = useFormat();
  const { query, unlock, more } = share;
  const pages = query.data?.pages ?? [];
  // A message's place is all that it is known by.
  const said = useMemo(
    () =>
      query.data?.pages.flatMap((page, index) =>
        page.messages.map((message, place) => ({ key: `${index}.${place}`, message })),
      ) ?? [],
    [query.data],
  );
  const title = titleOf({ title: pages[0]?.title ?? "" }) || t.sidebar.untitled;
  const at = pages[0]?.shared_at ?? "";
  const hasFiles = pages.some((page) => page.messages.some(({ files }) => files.length > 0));
  useTitle(title);
  return (
    <div className={styles.page}>
      <main className={styles.column}>
        <header className={styles.head}>
          <div>
            <h1>{title}</h1>
            <p className={styles.quiet}>{t.shares.sharedAt(moment(at))}</p>
            {hasFiles && <p className={styles.quiet}>{t.shares.copyHasNoFiles}</p>}
          </div>
          <Continue token={token} />
        </header>
        <div role="log" aria-live="off" aria-label={t.chat.conversation}>
          <Groups
            entries={said}
            render={({ message }) => <Said token={token} message={message} />}
          />
        </div>
        {isLocked(query.error) ? (
          // The hour is over in which it is read without its password.
          <Password unlock={unlock} />
        ) : (
          <>
            <FormError error={query.error} />
            {query.hasNextPage && reasonOf(query.error) !== "SHARE_NOT_FOUND" && (
              <Button pending={query.isFetchingNextPage} onClick={() => void more()}>
                {t.common.more}
              </Button>
            )}
          </>
        )}
      </main>
    </div>
  );
}

/** Goes on with it in a conversation of one's own; whoever is not logged in does that first. */
function Continue({ token }: { token: string }) {
  const t = useText();
  const { status } = useSession();
  const [, go] = useLocation();
  const [headersOf] = useState(repeatable);
  const [waits, setWaits] = useState(false);
  const { mutate, isPending, error } = useFork(token, headersOf);

  useEffect(() => {
    if (status !== "in" || !(waits || continued.take(token))) return;
    setWaits(false);
    mutate(undefined, { onSuccess: (forked) => go(routes.chat(forked.id)) });
  }, [status, waits, token, mutate, go]);

  return (
    <>
      <Button
        look="primary"
        pending={isPending || status === "starting"}
        onClick={() => {
          if (status !== "out") return setWaits(true);
          continued.ask(token);
          go(loginFor(token));
        }}
      >
        {t.shares.goOn}
      </Button>
      <FormError error={error} />
      {waits && status === "lapsed" && (
        <Suspense>
          <LapsedDialog />
        </Suspense>
      )}
    </>
  );
}

function loginFor(token: string): string {
  return `${routes.login}?next=${encodeURIComponent(routes.share(token))}`;
}
