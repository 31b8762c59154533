import { CircleAlert, CircleCheck } from "lucide-react";
import { failureText } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { Spinner } from "../../ui/Spinner";
import type { Tested } from "./requests";
import styles from "./TestResult.module.css";

type Fix = NonNullable<Tested["suggestion"]>;

/** What came of a test, and what to do about it. `onUse` takes over what answered in its place. */
export function TestResult({
  pending,
  result,
  onUse,
  onEdit,
}: {
  pending: boolean;
  result: Tested | undefined;
  onUse?: ((fix: Fix) => void) | undefined;
  onEdit?: (() => void) | undefined;
}) {
  const t = useText();
  const format = useFormat();
  return (
    <div role="status" className={styles.place}>
      {pending && (
        <p className={styles.line}>
          <Spinner size={16} label={t.keys.testing} /> {t.keys.testing}
        </p>
      )}
      {!pending && result?.ok && (
        <p className={styles.works}>
          <CircleCheck aria-hidden size={16} />
          {t.keys.works(format.number(result.latency_ms))}
        </p>
      )}
      {!pending && result?.ok === false && (
        <div className={styles.failed}>
          <p className={styles.line}>
            <CircleAlert aria-hidden size={16} />
            {failureText(result.reason, t)}
          </p>
          {result.provider_message && (
            <p>
              {t.keys.theServerSaid} <q>{result.provider_message}</q>
            </p>
          )}
          {result.suggestion && <Suggestion fix={result.suggestion} {...{ onUse, onEdit }} />}
        </div>
      )}
    </div>
  );
}

function Suggestion({
  fix,
  onUse,
  onEdit,
}: {
  fix: Fix;
  onUse: ((fix: Fix) => void) | undefined;
  onEdit: (() => void) | undefined;
}) {
  const t = useText();
  const what = [fix.base_url, fix.provider && t.keys[fix.provider]].filter(Boolean).join(", ");
  // Another address wants the key again: that is for the form.
  const act = onUse ? () => onUse(fix) : onEdit;
  return act ? (
    <Button small onClick={act}>
      {t.keys.use(what)}
    </Button>
  ) : (
    <p>{what}</p>
  );
}
