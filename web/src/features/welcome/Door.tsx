import type { ReactNode } from "react";
import { LANGUAGES, type Language, useLanguage, useText } from "../../i18n";
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
  const t = useText();
  const { language, setLanguage } = useLanguage();
  useTitle(title);
  return (
    <div className={styles.scroll}>
      <main className={styles.door}>
        <img src="/icon.svg" alt="" width={40} height={40} />
        <h1>{title}</h1>
        {/* The refresh token's cookie is Secure: each reload would ask for the password. */}
        {!window.isSecureContext && <p className={styles.insecure}>{t.welcome.insecure}</p>}
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
