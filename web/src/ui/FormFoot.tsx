import type { ReactNode } from "react";
import { useText } from "../i18n";
import { Button } from "./Button";
import styles from "./FormFoot.module.css";

/** The last of a form in a dialog: what leaves it as it was, and what sends it. In sight however long it is. */
export function FormFoot({
  submit,
  look = "primary",
  pending,
  disabled,
  onCancel,
  children,
}: {
  /** What the button that sends it is called. */
  submit: ReactNode;
  look?: "primary" | "danger";
  /** It is being sent. */
  pending?: boolean;
  disabled?: boolean;
  onCancel: () => void;
  /** What can be done besides. */
  children?: ReactNode;
}) {
  const t = useText();
  return (
    <div className={styles.foot}>
      {children}
      <span className={styles.gap} />
      <Button onClick={onCancel}>{t.common.cancel}</Button>
      <Button look={look} type="submit" pending={pending ?? false} disabled={disabled}>
        {submit}
      </Button>
    </div>
  );
}
