import { useEffect, useState } from "react";
import { useText } from "../i18n";
import styles from "./Spinner.module.css";

/** Says that something is awaited, once it has lasted 300 ms; keeps its place from the start. */
export function Spinner({ label, size = 20 }: { label?: string; size?: number }) {
  const t = useText();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  return (
    <span role="status" data-awaited className={styles.place} style={{ width: size, height: size }}>
      {late && <span className={styles.ring} />}
      {late && <span className="visually-hidden">{label ?? t.common.loading}</span>}
    </span>
  );
}
