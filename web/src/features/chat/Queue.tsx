import { Paperclip, SendHorizontal, Undo2 } from "lucide-react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { IconButton } from "../../ui/IconButton";
import { excerpt } from "./excerpt";
import type { Pending } from "./pending";
import styles from "./Queue.module.css";

/** The questions that wait for their turn, above where one writes; each can be taken back. */
export function Queue({
  queued,
  held,
  onSend,
  onTakeBack,
}: {
  queued: readonly Pending[];
  /** They wait for a word: what was asked before them was not sent, or not answered. */
  held: boolean;
  onSend: () => void;
  onTakeBack: (pending: Pending) => void;
}) {
  const t = useText();
  if (queued.length === 0) return null;
  return (
    <section className={styles.queue} aria-label={t.chat.queue}>
      <div className={styles.head}>
        <p role="status">{held ? t.chat.held : t.chat.queued}</p>
        {held && (
          <Button small icon={SendHorizontal} onClick={onSend}>
            {t.chat.sendNow}
          </Button>
        )}
      </div>
      {/* biome-ignore lint/a11y/noRedundantRoles: Safari forgets lists that are styled as none */}
      <ol role="list" className={styles.list}>
        {queued.map((one) => (
          <li key={one.press} className={styles.one}>
            {(one.attached?.length ?? 0) > 0 && <Paperclip aria-hidden size={14} />}
            <span className={styles.text} title={excerpt(one.content)}>
              {one.content}
            </span>
            <IconButton
              icon={Undo2}
              size={16}
              label={t.chat.takeBack}
              onClick={() => onTakeBack(one)}
            />
          </li>
        ))}
      </ol>
    </section>
  );
}
