import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { ApiError, errorText, fieldTexts } from "../api";
import { useText } from "../i18n";
import { classes } from "./classes";
import styles from "./Form.module.css";
import { FieldErrors } from "./fieldErrors";

/**
 * A form that a script sends. `error` is what the server refused: each field shows its own, the
 * first of them gets the focus, and what belongs to no field stands at the foot as an alert.
 */
export function Form({
  onSubmit,
  error,
  label,
  className,
  children,
}: {
  onSubmit: (given: FormData, form: HTMLFormElement) => void;
  error?: unknown;
  label?: string;
  className?: string;
  children: ReactNode;
}) {
  const t = useText();
  const ref = useRef<HTMLFormElement>(null);
  const told = useMemo(() => fieldTexts(error, t), [error, t]);

  useEffect(() => {
    if (error == null) return;
    ref.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [error]);

  return (
    <FieldErrors value={told}>
      <form
        ref={ref}
        noValidate
        aria-label={label}
        className={classes(styles.form, className)}
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit(new FormData(event.currentTarget), event.currentTarget);
        }}
      >
        {children}
        <FormError error={error} />
      </form>
    </FieldErrors>
  );
}

/** What was refused, in words, with the request's id to tell the operator; nothing without error. */
export function FormError({ error }: { error: unknown }) {
  const t = useText();
  const told = error == null ? "" : errorText(error, t);
  return (
    <div role="alert" className={styles.place}>
      {told && (
        <p className={styles.error}>
          {told}
          {error instanceof ApiError && error.status >= 500 && error.requestId && (
            <>
              {" "}
              <code>{error.requestId}</code>
            </>
          )}
        </p>
      )}
    </div>
  );
}
