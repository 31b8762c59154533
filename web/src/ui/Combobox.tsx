import { ChevronsUpDown } from "lucide-react";
import { type ReactNode, useId, useRef, useState } from "react";
import { useText } from "../i18n";
import styles from "./Combobox.module.css";
import { classes } from "./classes";
import { useFloating } from "./useFloating";
import { keyOf } from "./useKey";

export interface Option {
  value: string;
  label: string;
  /** A second, quieter line. */
  hint?: ReactNode;
  /** Options of one group follow one another. */
  group?: string;
}

// No option has it.
const FREE = "\u0000free";

/**
 * One choice of many, found as one types. Closed it shows what is chosen. `onFree` takes a text
 * that is none of them; without it only options can be chosen.
 */
export function Combobox({
  label,
  value,
  options,
  onChange,
  onFree,
  placeholder,
  hideLabel = false,
  quiet = false,
  disabled = false,
}: {
  label: string;
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
  onFree?: (text: string) => void;
  placeholder?: string;
  hideLabel?: boolean;
  /** Without a border, as in a tool bar. */
  quiet?: boolean;
  disabled?: boolean;
}) {
  const t = useText();
  const id = useId();
  const box = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState<string>();
  const [active, setActive] = useState(0);
  useFloating(open, box, list, "bottom-start", { sameWidth: true });

  const chosen = options.find((one) => one.value === value);
  const wanted = typed?.trim().toLowerCase() ?? "";
  const found = options.filter((one) =>
    `${one.label} ${one.group ?? ""}`.toLowerCase().includes(wanted),
  );
  const free = onFree === undefined ? "" : (typed?.trim() ?? "");
  const isOption = options.some((one) => one.value === free || one.label === free);
  const rows: Option[] =
    free === "" || isOption ? found : [...found, { value: FREE, label: t.common.takeTyped(free) }];
  const at = Math.min(active, rows.length - 1);

  function show() {
    if (open || disabled) return;
    setActive(Math.max(0, options.indexOf(chosen as Option)));
    setOpen(true);
    list.current?.showPopover();
    requestAnimationFrame(() => reveal(Math.max(0, options.indexOf(chosen as Option))));
  }

  function hide() {
    setOpen(false);
    setTyped(undefined);
    if (list.current?.matches(":popover-open")) list.current.hidePopover();
  }

  function choose(option: Option | undefined) {
    if (option === undefined) return;
    if (option.value === FREE) onFree?.(free);
    else onChange(option.value);
    hide();
  }

  function reveal(index: number) {
    document.getElementById(`${id}-${index}`)?.scrollIntoView({ block: "nearest" });
  }

  function move(to: number) {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    setActive(index);
    reveal(index);
  }

  function onKeyDown(event: React.KeyboardEvent) {
    const key = keyOf(event);
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (!open) show();
      else move(key === "ArrowDown" ? at + 1 : at - 1);
    } else if (open && (key === "PageDown" || key === "PageUp")) {
      event.preventDefault();
      move(key === "PageDown" ? at + 8 : at - 8);
    } else if (key === "Enter" && open) {
      event.preventDefault();
      choose(rows[at]);
    } else if (key === "Escape" && open) {
      // The dialog around stays.
      event.preventDefault();
      event.stopPropagation();
      hide();
    } else if (key === "Tab") hide();
  }

  return (
    <div className={classes(styles.field, quiet && styles.quiet)}>
      <label htmlFor={id} className={hideLabel ? "visually-hidden" : styles.label}>
        {label}
      </label>
      <input
        ref={box}
        id={id}
        role="combobox"
        className={styles.box}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        disabled={disabled}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={open && rows.length > 0 ? `${id}-${at}` : undefined}
        placeholder={chosen?.label ?? (value || placeholder)}
        value={typed ?? chosen?.label ?? value}
        onChange={(event) => {
          show();
          setTyped(event.target.value);
          setActive(0);
        }}
        onClick={(event) => {
          // Also of one that has the focus already: what one types then is looked for, not appended.
          if (!open) event.currentTarget.select();
          show();
        }}
        onFocus={(event) => event.target.select()}
        onBlur={hide}
        onKeyDown={onKeyDown}
      />
      <ChevronsUpDown aria-hidden className={styles.sign} size={16} strokeWidth={1.75} />
      <div
        ref={list}
        id={`${id}-list`}
        role="listbox"
        aria-label={label}
        popover="manual"
        className={styles.list}
        // The box keeps the focus.
        onPointerDown={(event) => event.preventDefault()}
        onMouseDown={(event) => event.preventDefault()}
      >
        {open &&
          rows.map((option, index) => (
            <OptionRow
              key={option.value}
              id={`${id}-${index}`}
              option={option}
              first={option.group !== rows[index - 1]?.group}
              active={index === at}
              chosen={option.value === value}
              onChoose={() => choose(option)}
            />
          ))}
        {open && rows.length === 0 && <p className={styles.none}>{t.common.noMatches}</p>}
      </div>
    </div>
  );
}

function OptionRow({
  id,
  option,
  first,
  active,
  chosen,
  onChoose,
}: {
  id: string;
  option: Option;
  first: boolean;
  active: boolean;
  chosen: boolean;
  onChoose: () => void;
}) {
  return (
    <>
      {first && option.group && (
        <div role="presentation" className={styles.group}>
          {option.group}
        </div>
      )}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the box, which has the focus */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the box points to it by aria-activedescendant */}
      <div
        id={id}
        role="option"
        aria-selected={chosen}
        className={classes(styles.option, active && styles.active)}
        onClick={onChoose}
      >
        <span>{option.label}</span>
        {option.hint && <span className={styles.hint}>{option.hint}</span>}
      </div>
    </>
  );
}
