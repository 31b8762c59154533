import { ApiError, errorText } from "../api";
import { useText } from "../i18n";
import { CopyButton } from "../markdown/copy-button";
import styles from "./RequestId.module.css";

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

/** What is said of an error, with the request's id to tell the operator. */
export function ErrorText({ error }: { error: unknown }) {
  const t = useText();
  const id = requestIdOf(error);
  return (
    <>
      {errorText(error, t)}
      {id && <RequestId id={id} />}
    </>
  );
}
