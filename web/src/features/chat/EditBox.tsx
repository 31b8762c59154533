import { useEffect, useRef } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { onKeys } from "../../ui/useKey";
import { drafts, editOf, useDraftsKept } from "./drafts";
import styles from "./Message.module.css";

/** A message while it is edited. What is typed is kept as a draft until it is sent or cancelled; Escape just closes. */
export function EditBox({
  id,
  text,
  label,
  onSubmit,
  onClose,
}: {
  /** The message's. */
  id: string;
  text: string;
  /** What the button that ends it well is called. */
  label: string;
  /** False: it was not taken, and stays. */
  onSubmit: (text: string) => Promise<boolean>;
  onClose: () => void;
}) {
  const t = useText();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const element = area.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
  const draft = editOf(id);
  useDraftsKept();
  const close = () => {
    drafts.empty(draft);
    onClose();
  };
  const submit = async () => {
    const typed = area.current?.value ?? "";
    if (typed.trim() === "") return;
    if (typed === text || (await onSubmit(typed))) close();
  };
  return (
    <div className={styles.editing}>
      <textarea
        ref={area}
        className={styles.area}
        aria-label={t.chat.edit}
        defaultValue={drafts.of(draft) || text}
        onInput={(event) => drafts.keep(draft, event.currentTarget.value)}
        onKeyDown={onKeys({ "Mod+Enter": submit, Escape: onClose })}
      />
      <div className={styles.editActions}>
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
