import { useState } from "react";
import { ApiError } from "../api";
import { useText } from "../i18n";
import { Button } from "./Button";
import { FormError } from "./Form";
import styles from "./Form.module.css";

interface Loaded {
  error: unknown;
  refetch: () => Promise<unknown>;
}

/** Why something could not be loaded, and another try where that may go well; nothing without error. */
export function LoadError({ of }: { of: readonly Loaded[] }) {
  const t = useText();
  const [pending, setPending] = useState(false);
  const failed = of.filter(({ error }) => error != null);
  const again = async () => {
    setPending(true);
    await Promise.all(failed.map(({ refetch }) => refetch()));
    setPending(false);
  };
  return (
    <FormError error={failed[0]?.error}>
      {failed.some(({ error }) => mayPass(error)) && (
        <span className={styles.again}>
          <Button small pending={pending} onClick={() => void again()}>
            {t.common.retry}
          </Button>
        </span>
      )}
    </FormError>
  );
}

/** What was refused stays refused. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}
