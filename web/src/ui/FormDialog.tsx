import type { ReactNode, Ref } from "react";
import { useText } from "../i18n";
import { Dialog } from "./Dialog";
import { Form } from "./Form";
import styles from "./FormDialog.module.css";
import { FormFoot } from "./FormFoot";

/** A thing's form in a window of its own, which is closed or saved. */
export function FormDialog({
  title,
  error,
  onSubmit,
  onClose,
  pending,
  wide = true,
  actions,
  children,
}: {
  title: string;
  error: unknown;
  onSubmit: (given: FormData) => void;
  onClose: () => void;
  /** It is being saved. */
  pending: boolean;
  wide?: boolean;
  /** What can be done besides. */
  actions?: ReactNode;
  children: ReactNode;
}) {
  const t = useText();
  return (
    <Dialog open wide={wide} title={title} onClose={onClose}>
      <Form error={error} onSubmit={onSubmit}>
        {children}
        <FormFoot submit={t.common.save} pending={pending} onCancel={onClose}>
          {actions}
        </FormFoot>
      </Form>
    </Dialog>
  );
}

/** Fields beside one another, where there is room. */
export function Beside({ ref, children }: { ref?: Ref<HTMLDivElement>; children: ReactNode }) {
  return (
    <div ref={ref} className={styles.beside}>
      {children}
    </div>
  );
}

/** Fields that few want. */
export function MoreFields({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className={styles.more}>
      <summary>{title}</summary>
      <div className={styles.inner}>{children}</div>
    </details>
  );
}
