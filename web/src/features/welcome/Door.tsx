import type { ReactNode } from "react";
import { LANGUAGES, type Language, useLanguage } from "../../i18n";
import { useTitle } from "../../shell/useTitle";
import styles from "./Door.module.css";

/** The page before one is in: a form, ways to the others below it, and the languages. */
export function Door({
  title,
  children,
  ways,
}: {
  title: string;
  children: ReactNode;
  ways: ReactNode;
}) {
  const { language, setLanguage } = useLanguage();
  useTitle(title);
  return (
    <div className={styles.scroll}>
      <main className={styles.door}>
        <img src="/icon.svg" alt="" width={40} height={40} />
        <h1>{title}</h1>
        {children}
        <div className={styles.ways}>{ways}</div>
      </main>
      <footer className={styles.languages}>
        {(Object.keys(LANGUAGES) as Language[]).map((one) => (
          <button
            key={one}
            type="button"
            lang={LANGUAGES[one].tag}
            aria-pressed={one === language}
            onClick={() => void setLanguage(one)}
          >
            {LANGUAGES[one].name}
          </button>
        ))}
      </footer>
    </div>
  );
}
