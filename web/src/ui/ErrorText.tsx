import { useEffect, useState } from "react";
import { ApiError, errorText } from "../api";
import { useText } from "../i18n";
import { useFormat } from "../i18n/format";
import { CopyButton } from "../markdown/copy-button";
import styles from "./ErrorText.module.css";

/** By what the operator finds in the logs what went wrong, where that was not the reader's own doing. */
export function requestIdOf(error: unknown): string | undefined {
  return error instanceof ApiError && error.status >= 500 ? error.requestId : undefined;
}

/** The id of a request, and the button that copies it. */
export function RequestId({ id }: { id: string }) {
  const t = useText();
  return (
    <span className={styles.place}>
      <span className={styles.id}>{t.common.requestId(id)}</span>
      <CopyButton label={t.common.copyRequestId} what={() => ({ text: id })} size={14} />
    </span>
  );
}

/** In how many seconds another try may be taken, counted down; nothing where no limit says so. */
function Wait({ error }: { error: unknown }) {
  const t = useText();
  const { sentences } = useFormat();
  // Until what is used up begins anew nobody counts seconds: that moment is said.
  const counts = error instanceof ApiError && error.status === 429 && !error.resetsAt;
  const wait = counts ? (error.retryAfter ?? 0) : 0;
  const [told, setTold] = useState({ error, left: wait });
  if (told.error !== error) setTold({ error, left: wait });
  const { left } = told;
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setTold({ error, left: left - 1 }), 1000);
    return () => clearTimeout(timer);
  }, [error, left]);
  // Of a timer the changes are not read out.
  return left > 0 && <span role="timer">{sentences("", t.common.againIn(left))}</span>;
}

/** What is said of an error: until when to wait, and the request's id to tell the operator. */
export function ErrorText({ error }: { error: unknown }) {
  const t = useText();
  const id = requestIdOf(error);
  return (
    <>
      {errorText(error, t)}
      <Wait error={error} />
      {id && <RequestId id={id} />}
    </>
  );
}
