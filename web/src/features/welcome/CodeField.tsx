import type { ReactNode } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import styles from "./Door.module.css";

/** Where the six digits go, and how to have others sent. */
export function CodeField({
  hint,
  wait,
  pending,
  onSend,
}: {
  hint: ReactNode;
  wait: number;
  pending: boolean;
  /** Is given the form that it stands in. */
  onSend: (form: HTMLFormElement) => void;
}) {
  const t = useText();
  return (
    <div className={styles.code}>
      <TextField
        label={t.welcome.code}
        hint={hint}
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        maxLength={6}
        autoFocus
        required
      />
      <Button
        small
        look="quiet"
        pending={pending}
        disabled={wait > 0}
        onClick={({ currentTarget: { form } }) => form && onSend(form)}
      >
        {wait > 0 ? t.welcome.sendCodeIn(wait) : t.welcome.sendCodeAgain}
      </Button>
    </div>
  );
}
