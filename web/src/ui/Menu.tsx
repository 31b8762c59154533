import type { LucideIcon } from "lucide-react";
import {
  createContext,
  type ReactNode,
  type Ref,
  useContext,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { classes } from "./classes";
import styles from "./Menu.module.css";
import { type Placement, useFloating } from "./useFloating";
import { keyOf } from "./useKey";

interface TriggerProps {
  ref: Ref<HTMLButtonElement>;
  "aria-haspopup": "menu";
  "aria-expanded": boolean;
  "aria-controls": string;
  popoverTarget: string;
  onKeyDown: (event: React.KeyboardEvent) => void;
}

const Close = createContext<() => void>(() => undefined);

const itemsOf = (menu: HTMLElement | null) => [
  ...(menu?.querySelectorAll<HTMLElement>('[role^="menuitem"]:not([aria-disabled])') ?? []),
];

/**
 * A button and the menu that it opens. Arrows, Home, End and first letters move; Escape, Tab and a
 * press elsewhere close it, and the focus goes back to the button. `onOpen` hears it open and close.
 */
export function Menu({
  label,
  trigger,
  children,
  placement = "bottom-end",
  onOpen,
}: {
  label: string;
  trigger: (props: TriggerProps) => ReactNode;
  children: ReactNode;
  placement?: Placement;
  onOpen?: (open: boolean) => void;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  useFloating(open, button, menu, placement);

  // Opened by a press: the browser tells so a moment later, and whoever was quicker has the focus.
  useEffect(() => {
    const element = menu.current;
    if (!open || element === null || element.contains(document.activeElement)) return;
    itemsOf(element)[0]?.focus();
  }, [open]);

  /** Opens it at once, so that keys that follow are the menu's. */
  function openAt(index: 0 | -1) {
    flushSync(() => setOpen(true));
    menu.current?.showPopover();
    itemsOf(menu.current).at(index)?.focus();
  }

  function close() {
    menu.current?.hidePopover();
  }

  function onMenuKey(event: React.KeyboardEvent) {
    const key = keyOf(event);
    const items = itemsOf(menu.current);
    const at = items.indexOf(document.activeElement as HTMLElement);
    let to: HTMLElement | undefined;
    if (key === "ArrowDown") to = items[(at + 1) % items.length];
    else if (key === "ArrowUp") to = items.at(at <= 0 ? -1 : at - 1);
    else if (key === "Home") to = items[0];
    else if (key === "End") to = items.at(-1);
    else if (key === "Tab" || key === "Shift+Tab") return close();
    else if (key === "Escape") {
      // It shuts the menu, and not what the menu is in, nor stops what is under way.
      event.preventDefault();
      event.stopPropagation();
      return close();
    } else if (key?.length === 1 && key !== " ") {
      const after = [...items.slice(at + 1), ...items.slice(0, at + 1)];
      to = after.find((item) =>
        item.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()),
      );
    }
    if (to === undefined) return;
    event.preventDefault();
    to.focus();
  }

  return (
    <>
      {trigger({
        ref: button,
        "aria-haspopup": "menu",
        "aria-expanded": open,
        "aria-controls": id,
        popoverTarget: id,
        onKeyDown(event) {
          const key = keyOf(event);
          if (key !== "ArrowDown" && key !== "ArrowUp") return;
          event.preventDefault();
          openAt(key === "ArrowUp" ? -1 : 0);
        },
      })}
      <div
        ref={menu}
        id={id}
        role="menu"
        tabIndex={-1}
        aria-label={label}
        popover="auto"
        className={styles.menu}
        onKeyDown={onMenuKey}
        onToggle={(event) => {
          const opened = event.newState === "open";
          setOpen(opened);
          onOpen?.(opened);
        }}
      >
        {open && <Close value={close}>{children}</Close>}
      </div>
    </>
  );
}

/** One thing to do. With `checked` it is one choice of several. */
export function MenuItem({
  icon: Icon,
  danger = false,
  checked,
  disabled = false,
  hint,
  onSelect,
  children,
}: {
  icon?: LucideIcon;
  danger?: boolean;
  checked?: boolean;
  disabled?: boolean;
  hint?: ReactNode;
  onSelect: () => void;
  children: ReactNode;
}) {
  const close = useContext(Close);
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: with aria-checked the role is menuitemradio
    <button
      type="button"
      role={checked === undefined ? "menuitem" : "menuitemradio"}
      aria-checked={checked}
      aria-disabled={disabled || undefined}
      tabIndex={-1}
      className={classes(styles.item, danger && styles.danger)}
      onPointerMove={(event) => !disabled && event.currentTarget.focus({ preventScroll: true })}
      onClick={() => {
        if (disabled) return;
        // First closed, so that the focus is back at the button before anything else takes it.
        close();
        onSelect();
      }}
    >
      {Icon && <Icon aria-hidden size={16} strokeWidth={1.75} />}
      <span className={styles.text}>{children}</span>
      {hint && <span className={styles.hint}>{hint}</span>}
      {checked && (
        <span aria-hidden className={styles.check}>
          ✓
        </span>
      )}
    </button>
  );
}

export function MenuSeparator() {
  return <hr className={styles.separator} />;
}
