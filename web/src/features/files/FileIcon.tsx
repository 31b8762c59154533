import { Braces, FileCode, FileText, type LucideIcon, Table } from "lucide-react";
import styles from "./Files.module.css";

const ICONS: Record<string, LucideIcon> = { code: FileCode, csv: Table, json: Braces };

/** What a file that is no picture is shown as. */
export function FileIcon({ kind }: { kind: string | undefined }) {
  const Icon = ICONS[kind ?? ""] ?? FileText;
  return (
    <span className={styles.icon}>
      <Icon aria-hidden size={20} strokeWidth={1.5} />
    </span>
  );
}
