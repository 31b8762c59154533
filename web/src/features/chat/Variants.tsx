import { ChevronLeft, ChevronRight } from "lucide-react";
import { useLayoutEffect, useRef } from "react";
import { useText } from "../../i18n";
import { IconButton } from "../../ui/IconButton";
import styles from "./Message.module.css";
import type { Message } from "./messages";

/** The message that was asked for last, and by which button: its own has the focus once it is there. */
let wanted: { id: string; by: -1 | 1 } | undefined;

/** ‹ 2/3 ›: which of the messages that follow the same one is shown, and the way to the others. */
export function Variants({
  of: { index, ids },
  onChoose,
}: {
  of: Message["variants"];
  onChoose: (id: string) => void;
}) {
  const t = useText();
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (wanted === undefined || ids[index] !== wanted.id) return;
    const [previous, next] = place.current?.querySelectorAll("button") ?? [];
    const to = wanted.by === -1 ? [previous, next] : [next, previous];
    wanted = undefined;
    // The button that was pressed is gone, or there is no way on: whoever is elsewhere by now stays there.
    const at = document.activeElement;
    if (at === document.body || place.current?.contains(at))
      to.find((one) => one && !one.disabled)?.focus({ preventScroll: true });
  }, [ids, index]);
  if (ids.length < 2) return null;
  const go = (by: -1 | 1) => {
    const id = ids[index + by];
    if (id === undefined) return;
    wanted = { id, by };
    onChoose(id);
  };
  return (
    <span ref={place} className={styles.variants}>
      <IconButton
        icon={ChevronLeft}
        label={t.chat.previousVariant}
        size={16}
        disabled={index === 0}
        onClick={() => go(-1)}
      />
      <span aria-label={t.chat.variantOf(index + 1, ids.length)} role="img">
        {index + 1}/{ids.length}
      </span>
      <IconButton
        icon={ChevronRight}
        label={t.chat.nextVariant}
        size={16}
        disabled={index === ids.length - 1}
        onClick={() => go(1)}
      />
    </span>
  );
}
