import { Image } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import styles from "./markdown.module.css";

/** A link that leads out of the page, and tells the other page nothing of it. */
export function WebLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

/** What stands for an image: nothing is fetched until its reader opens it. */
export function ImageLink({ href, text }: { href: string; text: string }) {
  const t = useText();
  const host = URL.canParse(href) ? new URL(href).host : "";
  return (
    <WebLink href={href}>
      <span className={styles.image}>
        <Image aria-hidden="true" size={16} />
        {t.chat.image(text, host)}
      </span>
    </WebLink>
  );
}
