import { useEffect, useRef } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { onKeys } from "../../ui/useKey";
import styles from "./Message.module.css";

/** A message while it is edited. It closes by `onClose` alone, so that nothing typed is lost. */
export function EditBox({
  text,
  label,
  onSubmit,
  onClose,
}: {
  text: string;
  /** What the button that ends it well is called. */
  label: string;
  onSubmit: (text: string) => void;
  onClose: () => void;
}) {
  const t = useText();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const element = area.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
  const submit = () => {
    const typed = area.current?.value ?? "";
    if (typed.trim() === "") return;
    if (typed === text) onClose();
    else onSubmit(typed);
  };
  return (
    <div className={styles.editing}>
      <textarea
        ref={area}
        className={styles.area}
        aria-label={t.chat.edit}
        defaultValue={text}
        onKeyDown={onKeys({ "Mod+Enter": submit, Escape: onClose })}
      />
      <div className={styles.editActions}>
        <Button small look="quiet" onClick={onClose}>
          {t.common.cancel}
        </Button>
        <Button small look="primary" onClick={submit}>
          {label}
        </Button>
      </div>
    </div>
  );
}
