import { Drama, Plus } from "lucide-react";
import { useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Cards } from "../../ui/Cards";
import { useLeaving } from "../../ui/deletions";
import { Empty } from "../../ui/Empty";
import { LoadError } from "../../ui/LoadError";
import { Page } from "../../ui/Page";
import { Spinner } from "../../ui/Spinner";
import { PersonaDialog } from "./PersonaDialog";
import { PersonaRow } from "./PersonaRow";
import { type Persona, usePersonas } from "./requests";

/** Personas: who answers in a chat, one's own and those that the operator offers. */
export default function PersonasPage() {
  const t = useText();
  const leaving = useLeaving();
  const query = usePersonas();
  const { data, error } = query;
  const [edited, setEdited] = useState<Persona | "new">();
  const personas = data?.filter((one) => !leaving.has(`persona ${one.name}`));
  const add = (
    <Button look="primary" icon={Plus} onClick={() => setEdited("new")}>
      {t.personas.add}
    </Button>
  );
  const rowsOf = (owner: Persona["owner"]) =>
    (personas ?? [])
      .filter((one) => one.owner === owner)
      .map((one) => <PersonaRow key={one.name} one={one} onEdit={() => setEdited(one)} />);
  return (
    <Page
      title={t.common.personas}
      about={t.personas.about}
      actions={personas?.length === 0 ? undefined : add}
    >
      {personas === undefined && (error ? <LoadError of={[query]} /> : <Spinner />)}
      {personas?.length === 0 && (
        <Empty icon={Drama} text={t.personas.none}>
          {add}
        </Empty>
      )}
      <Cards title={t.personas.own}>{rowsOf("user")}</Cards>
      <Cards title={t.personas.offered}>{rowsOf("operator")}</Cards>
      {edited !== undefined && (
        <PersonaDialog
          stored={edited === "new" ? undefined : edited}
          onClose={() => setEdited(undefined)}
        />
      )}
    </Page>
  );
}
