import { Eye, MessageSquarePlus } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { useText } from "../../i18n";
import { queries } from "../../queries";
import { routes } from "../../routes";
import { useSaveSettings, useSettings } from "../../session";
import { CardMenu, CardName } from "../../ui/Cards";
import { Dialog } from "../../ui/Dialog";
import { deleteLater } from "../../ui/deletions";
import { FormError } from "../../ui/Form";
import { MenuItem } from "../../ui/Menu";
import { tell } from "../../ui/tell";
import { standardOf } from "../chat/queries";
import styles from "./PersonaRow.module.css";
import { deletePersona, type Persona, usePersonas } from "./requests";

/** One persona in the list. */
export function PersonaRow({ one, onEdit }: { one: Persona; onEdit: () => void }) {
  const t = useText();
  const settings = useSettings();
  const save = useSaveSettings();
  const [showsPrompt, setShowsPrompt] = useState(false);
  const { data: personas } = usePersonas();
  const isDefault = standardOf(personas, settings.data)?.name === one.name;
  const isOwn = one.owner === "user";

  function remove() {
    deleteLater(
      `persona ${one.name}`,
      { deleted: t.personas.deleted(one.title), undo: t.common.undo },
      async (closing) => {
        await deletePersona(one.name, closing);
        await queries.invalidateQueries({ queryKey: ["personas"] });
      },
      (error) => tell(error, t),
    );
  }

  return (
    <li className={styles.row}>
      <div className={styles.text}>
        <CardName name={one.title} mark={isDefault && t.personas.isDefault} />
        {one.description && <p>{one.description}</p>}
        <p className={styles.facts}>
          {[
            one.name !== one.title && one.name,
            one.model,
            one.starters.length > 0 && t.personas.startersCount(one.starters.length),
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
        <FormError error={save.error} />
      </div>
      <Link
        href={`${routes.home}?persona=${encodeURIComponent(one.name)}`}
        aria-label={t.personas.chatWith(one.title)}
        title={t.personas.chatWith(one.title)}
        className={styles.chat}
      >
        <MessageSquarePlus aria-hidden size={18} strokeWidth={1.75} />
      </Link>
      <CardMenu
        label={t.personas.actionsOf(one.title)}
        isOwn={isOwn}
        isDefault={isDefault}
        makeDefault={t.personas.makeDefault}
        onEdit={onEdit}
        onDefault={() => save.mutate({ default_persona: one.name })}
        onRemove={remove}
      >
        <MenuItem icon={Eye} onSelect={() => setShowsPrompt(true)}>
          {t.personas.showPrompt}
        </MenuItem>
      </CardMenu>
      <Dialog open={showsPrompt} title={one.title} onClose={() => setShowsPrompt(false)}>
        <p className={styles.prompt}>{one.prompt}</p>
      </Dialog>
    </li>
  );
}
