import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useText } from "../i18n";
import { classes } from "./classes";
import styles from "./Dialog.module.css";
import { focusNear, placesOf } from "./focus";
import { IconButton } from "./IconButton";

interface Props {
  open: boolean;
  /** Escape, the cross and a press beside it. Without it the dialog can only be answered. */
  onClose?: (() => void) | undefined;
  title: ReactNode;
  children: ReactNode;
  /** Buttons at its foot. Those that belong to a form may stand in the children instead. */
  actions?: ReactNode;
  wide?: boolean;
  /** The title is read out and not shown, as for a palette. */
  bare?: boolean;
}

const FIELDS = ":is(input:not([type=hidden]), textarea, select):not([readonly], :disabled)";

/**
 * A modal dialog; the page below is inert. The focus goes to its first field, else to the first of
 * its actions, and back to where it was at the end, or to what is nearest if that is gone.
 */
export function Dialog(props: Props) {
  return props.open ? <OpenDialog {...props} /> : null;
}

function show(dialog: HTMLDialogElement): void {
  if (!dialog.open) dialog.showModal();
  dialog.querySelector<HTMLElement>(`.${styles.body} ${FIELDS}, .${styles.foot} button`)?.focus();
}

function OpenDialog({ onClose, title, children, actions, wide, bare }: Props) {
  const t = useText();
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();

  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    const places = before === null ? [] : placesOf(before);
    if (dialog) show(dialog);
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      else focusNear(places);
    };
  }, []);

  return (
    <dialog
      ref={ref}
      aria-labelledby={heading}
      className={classes(styles.dialog, wide && styles.wide, bare && styles.bare)}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose?.();
      }}
      // A browser lets nobody keep a second Escape in a row from closing it.
      onClose={({ target, currentTarget }) => {
        if (target === currentTarget && currentTarget.isConnected) show(currentTarget);
      }}
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) onClose?.();
      }}
    >
      <div className={styles.sheet}>
        <header className={bare ? "visually-hidden" : styles.head}>
          <h2 id={heading}>{title}</h2>
          {onClose && !bare && <IconButton icon={X} label={t.common.close} onClick={onClose} />}
        </header>
        <div className={styles.body}>{children}</div>
        {actions && <footer className={styles.foot}>{actions}</footer>}
      </div>
    </dialog>
  );
}
