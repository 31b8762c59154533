import { Plus } from "lucide-react";
import { useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { useLeaving } from "../../ui/deletions";
import { FormError } from "../../ui/Form";
import { Page } from "../../ui/Page";
import { Spinner } from "../../ui/Spinner";
import { KeyDialog } from "./KeyDialog";
import { KeyRow } from "./KeyRow";
import styles from "./KeysPage.module.css";
import { type Key, useConnections } from "./requests";

/** Connections to model servers: one's own, and those that the operator offers. */
export default function KeysPage() {
  const t = useText();
  const leaving = useLeaving();
  const { data, error } = useConnections();
  const [edited, setEdited] = useState<Key | "new">();
  const keys = data?.filter((key) => !leaving.has(key.id));
  const own = keys?.filter((key) => key.owner === "user") ?? [];
  const offered = keys?.filter((key) => key.owner === "operator") ?? [];
  const add = (
    <Button look="primary" icon={Plus} onClick={() => setEdited("new")}>
      {keys?.length === 0 ? t.keys.addFirst : t.keys.add}
    </Button>
  );
  return (
    <Page title={t.common.keys} actions={keys?.length === 0 ? undefined : add}>
      <p className={styles.about}>{t.keys.about}</p>
      {keys === undefined && (error ? <FormError error={error} /> : <Spinner />)}
      {keys?.length === 0 && (
        <div className={styles.none}>
          <p>{t.keys.none}</p>
          {add}
        </div>
      )}
      <Section title={t.keys.own} keys={own} all={keys ?? []} onEdit={setEdited} />
      <Section title={t.keys.offered} keys={offered} all={keys ?? []} onEdit={setEdited} />
      {edited !== undefined && (
        <KeyDialog
          stored={edited === "new" ? undefined : edited}
          others={own.filter((key) => edited === "new" || key.id !== edited.id)}
          onClose={() => setEdited(undefined)}
        />
      )}
    </Page>
  );
}

function Section({
  title,
  keys,
  all,
  onEdit,
}: {
  title: string;
  keys: readonly Key[];
  all: readonly Key[];
  onEdit: (key: Key) => void;
}) {
  if (keys.length === 0) return null;
  return (
    <section className={styles.section}>
      <h2>{title}</h2>
      <ul className={styles.list}>
        {keys.map((key) => (
          <KeyRow
            key={key.id}
            one={key}
            fallback={all.find((other) => other.id === key.fallback_key_id)}
            onEdit={() => onEdit(key)}
          />
        ))}
      </ul>
    </section>
  );
}
