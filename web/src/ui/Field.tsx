import { Eye, EyeOff } from "lucide-react";
import { type ComponentProps, type ReactNode, useContext, useId, useState } from "react";
import { useText } from "../i18n";
import { classes } from "./classes";
import styles from "./Field.module.css";
import { FieldErrors } from "./fieldErrors";
import { IconButton } from "./IconButton";

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  /** What the server calls it: errors of a Form around it are shown here by this name. */
  name?: string | undefined;
  /** What is wrong with it; without it that of the Form, if there is one. */
  error?: string | undefined;
  className?: string | undefined;
}

interface ControlProps {
  id: string;
  name: string | undefined;
  "aria-invalid": true | undefined;
  "aria-describedby": string | undefined;
}

/** A label, a hint and an error around one control, which takes the props that it is given. */
export function Field({
  label,
  hint,
  name,
  error,
  className,
  children,
}: FieldProps & { children: (control: ControlProps) => ReactNode }) {
  const id = useId();
  const told = useContext(FieldErrors);
  const wrong = error ?? (name === undefined ? undefined : told[name]);
  // What is asked for is said once, also where it is what is wrong.
  const asked = hint !== wrong && hint;
  const described = [asked && `${id}-hint`, wrong && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={classes(styles.field, className)}>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        name,
        "aria-invalid": wrong ? true : undefined,
        "aria-describedby": described || undefined,
      })}
      {asked && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {wrong && (
        <p id={`${id}-error`} className={styles.error}>
          {wrong}
        </p>
      )}
    </div>
  );
}

type Own<Tag extends "input" | "textarea" | "select"> = FieldProps &
  Omit<ComponentProps<Tag>, keyof FieldProps | "id">;

export function TextField({ label, hint, name, error, className, ...input }: Own<"input">) {
  return (
    <Field {...{ label, hint, name, error, className }}>
      {(control) => <input className={styles.control} {...input} {...control} />}
    </Field>
  );
}

export function TextArea({ label, hint, name, error, className, ...area }: Own<"textarea">) {
  return (
    <Field {...{ label, hint, name, error, className }}>
      {(control) => (
        <textarea className={classes(styles.control, styles.area)} {...area} {...control} />
      )}
    </Field>
  );
}

export function Select({
  label,
  hint,
  name,
  error,
  className,
  children,
  ...select
}: Own<"select">) {
  return (
    <Field {...{ label, hint, name, error, className }}>
      {(control) => (
        <select className={styles.control} {...select} {...control}>
          {children}
        </select>
      )}
    </Field>
  );
}

/** A secret: hidden, unless one asks to see it. */
export function SecretField({ label, hint, name, error, className, ...input }: Own<"input">) {
  const t = useText();
  const [shown, setShown] = useState(false);
  return (
    <Field {...{ label, hint, name, error, className }}>
      {(control) => (
        <div className={styles.secret}>
          <input
            className={styles.control}
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            {...input}
            {...control}
            type={shown ? "text" : "password"}
          />
          <IconButton
            icon={shown ? EyeOff : Eye}
            label={shown ? t.common.hidePassword : t.common.showPassword}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          />
        </div>
      )}
    </Field>
  );
}
