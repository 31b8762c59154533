import type { ReactNode } from "react";
import { useTitle } from "../shell/useTitle";
import { useFocusKept } from "./focus";
import styles from "./Page.module.css";

/** A page that is read from its top: title, actions beside it, and a column of its own. */
export function Page({
  title,
  about,
  actions,
  children,
}: {
  title: string;
  /** What the page is of, in a sentence or two. */
  about?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useTitle(title);
  const kept = useFocusKept<HTMLDivElement>();
  return (
    <div ref={kept} className={styles.scroll}>
      <div className={styles.column}>
        <header className={styles.head}>
          <h1>{title}</h1>
          {actions && <div className={styles.actions}>{actions}</div>}
        </header>
        {about && <p className={styles.about}>{about}</p>}
        {children}
      </div>
    </div>
  );
}
