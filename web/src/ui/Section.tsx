import { type ReactNode, useId } from "react";
import styles from "./Section.module.css";

/** A part of a page under a heading of its own. */
export function Section({
  title,
  hint,
  actions,
  children,
}: {
  title: string;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={styles.section}>
      <header className={styles.head}>
        <div>
          <h2 id={id}>{title}</h2>
          {hint && <p className={styles.hint}>{hint}</p>}
        </div>
        {actions}
      </header>
      {children}
    </section>
  );
}

/** Lines of things, each with what can be done about it at its end. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul aria-label={label} className={styles.rows}>
      {children}
    </ul>
  );
}

export function Row({
  title,
  note,
  children,
}: {
  title: ReactNode;
  /** What is said of it in a quieter line. */
  note?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <li className={styles.row}>
      <div className={styles.text}>
        <div className={styles.title}>{title}</div>
        {note && <div className={styles.hint}>{note}</div>}
      </div>
      {children && <div className={styles.actions}>{children}</div>}
    </li>
  );
}

/** A word about a thing, such as its state. */
export function Badge({ tone, children }: { tone?: "good" | "warning"; children: ReactNode }) {
  return (
    <span className={styles.badge} data-tone={tone}>
      {children}
    </span>
  );
}
