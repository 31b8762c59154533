import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, ok } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { useSession } from "../../session";
import { LoadError } from "../../ui/LoadError";
import { Row, Rows } from "../../ui/Section";
import { Spinner } from "../../ui/Spinner";
import { Door } from "../welcome/Door";

/** The receipt of a deletion: what is gone since when. Who has the address may look. */
export default function ErasedPage({ id }: { id: string }) {
  const t = useText();
  const { moment } = useFormat();
  const { status } = useSession();
  const erasure = useQuery({
    queryKey: ["erasure", id],
    queryFn: ({ signal }) =>
      ok(
        api.GET("/api/v1/erasures/{erasure_id}", { signal, params: { path: { erasure_id: id } } }),
      ),
    refetchInterval: ({ state }) => (state.data?.status === "completed" ? false : 1000),
  });
  const done = erasure.data?.status === "completed";
  return (
    <Door
      title={done ? t.account.erasedTitle : t.account.erasingTitle}
      ways={
        status === "out" ? (
          <Link href={routes.register}>{t.welcome.registerTitle}</Link>
        ) : (
          <Link href={routes.home}>{t.common.toStart}</Link>
        )
      }
    >
      <LoadError of={[erasure]} />
      {erasure.data ? (
        <>
          <Rows label={t.account.deletion}>
            {erasure.data.services.map(({ name, erased_at }) => (
              <Row
                key={name}
                title={t.account.services[name] ?? name}
                note={erased_at ? t.account.erasedAt(moment(erased_at)) : t.account.erasing}
              />
            ))}
          </Rows>
          <p>{t.account.erasedHint}</p>
        </>
      ) : (
        !erasure.error && <Spinner />
      )}
    </Door>
  );
}
