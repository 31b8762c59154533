import { Link } from "wouter";
import { useText } from "../i18n";
import { routes } from "../routes";
import styles from "./Starting.module.css";
import { useTitle } from "./useTitle";

export function NotFound() {
  const t = useText();
  useTitle(t.common.notFound);
  return (
    <div className={styles.place}>
      <h1>{t.common.notFound}</h1>
      <Link href={routes.home}>{t.common.toStart}</Link>
    </div>
  );
}
