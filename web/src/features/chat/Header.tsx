import { useQuery } from "@tanstack/react-query";
import { SlidersHorizontal, SquarePen, Timer } from "lucide-react";
import { useState } from "react";
import { useText } from "../../i18n";
import { IconButton } from "../../ui/IconButton";
import { tell } from "../../ui/tell";
import { ShareButton } from "../share/ShareButton";
import { titleOf } from "../sidebar/titleOf";
import { useNewChat } from "../sidebar/useNewChat";
import { type Choices, rememberModel } from "./choices";
import styles from "./Header.module.css";
import { ModelChooser } from "./ModelChooser";
import { type Manner, ParametersDialog } from "./ParametersDialog";
import { personasQuery, type Session, type SessionChange } from "./queries";

const NO_PARAMETERS = {
  temperature: null,
  max_tokens: null,
  top_p: null,
  stop: null,
  reasoning_effort: null,
};

/** The head of a conversation that there is: what answers, and how; a change holds from the next question on. */
export function SessionHeader({
  session,
  onChange,
}: {
  session: Session | undefined;
  onChange: (change: SessionChange) => Promise<unknown>;
}) {
  const t = useText();
  return (
    <HeaderBar
      title={session ? titleOf(session) : ""}
      keyId={session?.key_id}
      model={session?.model}
      persona={<PersonaName name={session?.persona} />}
      onModel={(chosen) => {
        rememberModel(chosen.key_id, chosen.model);
        onChange(chosen).catch((error: unknown) => {
          tell(error, t);
        });
      }}
      manner={session && { ...session, persona: session.persona }}
      onManner={({ parameters, instructions, summary, persona }) =>
        onChange({
          parameters,
          instructions,
          summary,
          ...(persona !== session?.persona && { persona: persona ?? null }),
        })
      }
    >
      {session?.temporary && (
        <span className={styles.temporary} title={t.chat.temporaryHint}>
          <Timer size={18} strokeWidth={1.75} role="img" aria-label={t.chat.temporary} />
        </span>
      )}
      <ShareButton sessionId={session?.id} />
    </HeaderBar>
  );
}

/** The head of a conversation that is not made yet. */
export function NewHeader({
  choices,
  onChange,
}: {
  choices: Choices;
  onChange: (change: Choices) => void;
}) {
  const t = useText();
  const { temporary = false, persona } = choices;
  return (
    <HeaderBar
      title=""
      keyId={choices.key_id}
      model={choices.model}
      onModel={(chosen) => {
        rememberModel(chosen.key_id, chosen.model);
        onChange(chosen);
      }}
      manner={{
        parameters: { ...NO_PARAMETERS, ...choices.parameters },
        instructions: choices.instructions ?? null,
        summary: choices.summary ?? false,
        persona,
      }}
      onManner={async ({ parameters, ...rest }) => {
        const said = Object.values(parameters).some((value) => value !== null);
        onChange({ ...rest, parameters: said ? parameters : null } as Choices);
      }}
      isNew
    >
      <IconButton
        icon={Timer}
        label={t.chat.temporary}
        aria-pressed={temporary}
        onClick={() => onChange({ temporary: !temporary })}
      />
    </HeaderBar>
  );
}

/** Who answers there. Nothing, where that is nobody in particular. */
function PersonaName({ name }: { name: string | null | undefined }) {
  const t = useText();
  const { data: personas } = useQuery({ ...personasQuery, enabled: !!name });
  if (!name) return null;
  // One that is deleted goes on in its conversations.
  const title = personas?.find((one) => one.name === name)?.title ?? name;
  return (
    <span className={styles.persona} title={title}>
      <span className="visually-hidden">{t.chat.persona}: </span>
      {title}
    </span>
  );
}

interface BarProps {
  title: string;
  persona?: React.ReactNode;
  keyId: string | null | undefined;
  model: string | null | undefined;
  onModel: (chosen: { key_id: string; model: string }) => void;
  manner: Manner | undefined;
  onManner: (manner: Manner) => Promise<unknown>;
  isNew?: boolean;
  children: React.ReactNode;
}

function HeaderBar(props: BarProps) {
  const {
    title,
    persona,
    keyId,
    model,
    onModel,
    manner,
    onManner,
    isNew = false,
    children,
  } = props;
  const t = useText();
  const [open, setOpen] = useState(false);
  const newChat = useNewChat();
  return (
    <header className={styles.header}>
      <ModelChooser keyId={keyId} model={model} onChange={onModel} />
      {persona}
      <h1 className={styles.title}>
        {title || (
          <span className="visually-hidden">{isNew ? t.chat.newChat : t.chat.conversation}</span>
        )}
      </h1>
      {children}
      <IconButton
        icon={SlidersHorizontal}
        label={t.chat.parameters}
        disabled={manner === undefined}
        onClick={() => setOpen(true)}
      />
      {!isNew && (
        <IconButton
          icon={SquarePen}
          label={t.sidebar.newChat}
          className={styles.newChat}
          onClick={newChat}
        />
      )}
      {open && manner && (
        <ParametersDialog
          manner={manner}
          isNew={isNew}
          onSave={onManner}
          onClose={() => setOpen(false)}
        />
      )}
    </header>
  );
}
