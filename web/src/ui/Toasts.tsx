import { X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useText } from "../i18n";
import { Button } from "./Button";
import { IconButton } from "./IconButton";
import styles from "./Toasts.module.css";
import { toast } from "./toast";

/** Where toasts are shown and read out: once on the page. */
export function Toasts() {
  const t = useText();
  const shown = useSyncExternalStore(toast.subscribe, toast.list);

  // A pressed button goes with its message and tells of no blur: what it held is let go by hand,
  // and held again as soon as the pointer moves over what is left.
  return (
    <section
      role="status"
      aria-label={t.common.messages}
      className={styles.place}
      onPointerMove={toast.hold}
      onPointerLeave={toast.release}
      onFocus={toast.hold}
      onBlur={toast.release}
    >
      {shown.map(({ id, text, action, tone }) => (
        <div key={id} className={styles.toast} data-tone={tone}>
          <span className={styles.text}>{text}</span>
          {action && (
            <Button
              small
              look="quiet"
              onClick={() => {
                toast.act(id);
                toast.release();
              }}
            >
              {action.label}
            </Button>
          )}
          <IconButton
            icon={X}
            label={t.common.close}
            onClick={() => {
              toast.dismiss(id);
              toast.release();
            }}
          />
        </div>
      ))}
    </section>
  );
}
