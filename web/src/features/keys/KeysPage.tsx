import { Cable, Plus } from "lucide-react";
import { useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Cards } from "../../ui/Cards";
import { useLeaving } from "../../ui/deletions";
import { Empty } from "../../ui/Empty";
import { LoadError } from "../../ui/LoadError";
import { Page } from "../../ui/Page";
import { Spinner } from "../../ui/Spinner";
import { KeyDialog } from "./KeyDialog";
import { KeyRow } from "./KeyRow";
import { type Key, useConnections } from "./requests";

/** Connections to model servers: one's own, and those that the operator offers. */
export default function KeysPage() {
  const t = useText();
  const leaving = useLeaving();
  const query = useConnections();
  const { data, error } = query;
  const [edited, setEdited] = useState<Key | "new">();
  const keys = data?.filter((key) => !leaving.has(key.id));
  const own = keys?.filter((key) => key.owner === "user") ?? [];
  const offered = keys?.filter((key) => key.owner === "operator") ?? [];
  const add = (
    <Button look="primary" icon={Plus} onClick={() => setEdited("new")}>
      {keys?.length === 0 ? t.keys.addFirst : t.keys.add}
    </Button>
  );
  const row = (key: Key) => (
    <KeyRow
      key={key.id}
      one={key}
      fallback={keys?.find((other) => other.id === key.fallback_key_id)}
      onEdit={() => setEdited(key)}
    />
  );
  return (
    <Page title={t.common.keys} about={t.keys.about} actions={keys?.length === 0 ? undefined : add}>
      {keys === undefined && (error ? <LoadError of={[query]} /> : <Spinner />)}
      {keys?.length === 0 && (
        <Empty icon={Cable} text={t.keys.none}>
          {add}
        </Empty>
      )}
      <Cards title={t.keys.own}>{own.map(row)}</Cards>
      <Cards title={t.keys.offered}>{offered.map(row)}</Cards>
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
