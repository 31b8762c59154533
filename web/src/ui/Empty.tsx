import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./Empty.module.css";

/** What stands where there is nothing yet: one sentence on what it is for, and what to do first. */
export function Empty({
  icon: Icon,
  text,
  children,
}: {
  icon: LucideIcon;
  text: string;
  children?: ReactNode;
}) {
  return (
    <div className={styles.empty}>
      <Icon aria-hidden size={32} strokeWidth={1.25} />
      <p>{text}</p>
      {children}
    </div>
  );
}
