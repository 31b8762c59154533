import { lazy, Suspense, useEffect, useId, useRef, useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { touch } from "../../ui/touch";
import { onKeys } from "../../ui/useKey";
import type { OnMessage } from "../files/MessageFiles";
import { keysOf } from "../search/opened";
import { drafts, editOf, useDraftsKept } from "./drafts";
import styles from "./EditBox.module.css";
import { useEntersSend } from "./useEntersSend";

const KeptFiles = lazy(() => import("../files/KeptFiles"));
const NONE: readonly OnMessage[] = [];

/** A message while it is edited. What is typed is kept as a draft until it is sent or cancelled; Escape just closes. */
export function EditBox({
  id,
  text,
  files = NONE,
  label,
  enters = false,
  onSubmit,
  onClose,
}: {
  /** The message's. */
  id: string;
  text: string;
  /** What is attached to it. */
  files?: readonly OnMessage[];
  /** What the button that ends it well is called. */
  label: string;
  /** Enter does the same, where it sends what is written. */
  enters?: boolean;
  /** `kept`: the files that are left where some were taken off. False: it was not taken, and stays. */
  onSubmit: (text: string, kept?: readonly OnMessage[]) => Promise<boolean>;
  onClose: () => void;
}) {
  const t = useText();
  const area = useRef<HTMLTextAreaElement>(null);
  const hint = useId();
  const byEnter = useEntersSend() && enters;
  useEffect(() => {
    const element = area.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
  const [removed, setRemoved] = useState<readonly string[]>([]);
  // What has been deleted since goes along with no other question.
  const kept = files.filter((one) => !one.deleted && !removed.includes(one.id));
  const draft = editOf(id);
  useDraftsKept();
  const close = () => {
    drafts.empty(draft);
    onClose();
  };
  const submit = async () => {
    const typed = area.current?.value ?? "";
    if (typed.trim() === "") return;
    const isAsItWas = typed === text && removed.length === 0;
    if (isAsItWas || (await onSubmit(typed, removed.length > 0 ? kept : undefined))) close();
  };
  return (
    <div className={styles.editing}>
      {kept.length > 0 && (
        <Suspense fallback={null}>
          <KeptFiles
            files={kept}
            onRemove={(gone) => {
              setRemoved([...removed, gone]);
              area.current?.focus();
            }}
          />
        </Suspense>
      )}
      <textarea
        ref={area}
        className={styles.area}
        aria-label={t.chat.edit}
        defaultValue={drafts.of(draft) || text}
        onInput={(event) => drafts.keep(draft, event.currentTarget.value)}
        enterKeyHint={byEnter ? "send" : "enter"}
        aria-describedby={touch.matches ? undefined : hint}
        onKeyDown={onKeys({
          Enter: byEnter ? submit : () => false,
          "Mod+Enter": submit,
          Escape: onClose,
        })}
      />
      <div className={styles.actions}>
        {!touch.matches && (
          <p id={hint} className={styles.keys}>
            {byEnter ? t.chat.editEnter : t.chat.editModEnter(keysOf("Mod+Enter").join("+"))}
          </p>
        )}
        <Button small look="quiet" onClick={close}>
          {t.common.cancel}
        </Button>
        <Button small look="primary" onClick={submit}>
          {label}
        </Button>
      </div>
    </div>
  );
}

/** Moves the focus to a message whose part that has it is about to go. */
export function keepFocus(message: HTMLElement | null): void {
  if (message?.contains(document.activeElement)) message.focus();
}
