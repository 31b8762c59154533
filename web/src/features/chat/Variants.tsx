import { ChevronLeft, ChevronRight } from "lucide-react";
import { useText } from "../../i18n";
import { IconButton } from "../../ui/IconButton";
import styles from "./Message.module.css";
import type { Message } from "./messages";

/** ‹ 2/3 ›: which of the messages that follow the same one is shown, and the way to the others. */
export function Variants({
  of: { index, ids },
  onChoose,
}: {
  of: Message["variants"];
  onChoose: (id: string) => void;
}) {
  const t = useText();
  if (ids.length < 2) return null;
  const go = (to: number) => {
    const id = ids[to];
    if (id !== undefined) onChoose(id);
  };
  return (
    <span className={styles.variants}>
      <IconButton
        icon={ChevronLeft}
        label={t.chat.previousVariant}
        size={16}
        disabled={index === 0}
        onClick={() => go(index - 1)}
      />
      <span aria-label={t.chat.variantOf(index + 1, ids.length)} role="img">
        {index + 1}/{ids.length}
      </span>
      <IconButton
        icon={ChevronRight}
        label={t.chat.nextVariant}
        size={16}
        disabled={index === ids.length - 1}
        onClick={() => go(index + 1)}
      />
    </span>
  );
}
