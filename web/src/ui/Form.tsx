import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { fieldTexts } from "../api";
import { useText } from "../i18n";
import { classes } from "./classes";
import { ErrorText } from "./ErrorText";
import styles from "./Form.module.css";
import { FieldErrors } from "./fieldErrors";

const NONE: readonly string[] = [];

/**
 * A form that a script sends, once all is there that is `required`. `error` is what the server
 * refused: each field shows its own, the first of them gets the focus, and what no field here
 * shows stands at the foot as an alert.
 */
export function Form({
  onSubmit,
  error,
  places,
  label,
  className,
  children,
}: {
  onSubmit: (given: FormData, form: HTMLFormElement) => void;
  error?: unknown;
  /** Fields of reasons that stand for the whole request: `{USERNAME_TAKEN: "username"}`. */
  places?: Readonly<Record<string, string>>;
  label?: string;
  className?: string;
  children: ReactNode;
}) {
  const t = useText();
  const ref = useRef<HTMLFormElement>(null);
  const [loose, setLoose] = useState<string[]>();
  const [missing, setMissing] = useState<readonly string[]>(NONE);
  const refused = useMemo(() => fieldTexts(error, t, places), [error, t, places]);
  const told = useMemo(
    () =>
      missing.length === 0
        ? refused
        : Object.fromEntries(missing.map((name) => [name, t.fields.REQUIRED()])),
    [missing, refused, t],
  );

  useEffect(() => {
    const form = ref.current;
    if (error == null || form === null) return setLoose(undefined);
    const names = Object.keys(refused);
    const unshown = names.filter((name) => form.elements.namedItem(name) === null);
    setLoose(names.length > 0 && unshown.length === 0 ? undefined : unshown);
  }, [error, refused]);

  useEffect(() => {
    if (error == null && missing.length === 0) return;
    ref.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [error, missing]);

  return (
    <FieldErrors value={told}>
      <form
        ref={ref}
        noValidate
        aria-label={label}
        className={classes(styles.form, className)}
        onSubmit={(event) => {
          event.preventDefault();
          const empty = emptyIn(event.currentTarget);
          setMissing(empty);
          if (empty.length > 0) return;
          onSubmit(new FormData(event.currentTarget), event.currentTarget);
        }}
      >
        {children}
        <FormError error={missing.length === 0 && loose ? error : null}>
          {loose?.map((name) => (
            <span key={name} className={styles.loose}>
              <code>{name}</code> {refused[name]}
            </span>
          ))}
        </FormError>
      </form>
    </FieldErrors>
  );
}

/** Names of what has to be filled in, and is not. */
function emptyIn(form: HTMLFormElement): readonly string[] {
  const empty = [...form.elements].filter(
    (control) =>
      (control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement) &&
      control.required &&
      control.value === "",
  );
  return empty.length === 0 ? NONE : empty.map((control) => (control as HTMLInputElement).name);
}

/** What was refused, in words, with the request's id to tell the operator; nothing without error. */
export function FormError({ error, children }: { error: unknown; children?: ReactNode }) {
  return (
    <div role="alert" className={styles.place}>
      {error != null && (
        <p className={styles.error}>
          <ErrorText error={error} />
          {children}
        </p>
      )}
    </div>
  );
}
