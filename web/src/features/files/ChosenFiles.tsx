import { RotateCcw, X } from "lucide-react";
import { ApiError, errorText, isNotFound } from "../../api";
import { type Texts, useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { IconButton } from "../../ui/IconButton";
import { FileIcon } from "./FileIcon";
import styles from "./Files.module.css";
import { Picture } from "./Picture";
import { isPicture } from "./transfer";
import { type Chosen, uploads } from "./uploads";

/** The files of a question that is being written, on their way or there, each to be taken away again. */
export default function ChosenFiles({
  place,
  chosen,
  most,
}: {
  place: string;
  chosen: readonly Chosen[];
  /** Bytes that a file may have, where that is known. */
  most: number | undefined;
}) {
  const t = useText();
  return (
    <ul className={styles.files} aria-label={t.files.attached}>
      {chosen.map((one) => (
        <ChosenFile key={one.id} place={place} one={one} most={most} />
      ))}
    </ul>
  );
}

function ChosenFile({
  place,
  one,
  most,
}: {
  place: string;
  one: Chosen;
  most: number | undefined;
}) {
  const t = useText();
  const { size: sizeText, named } = useFormat();
  const { id, name, size, status, share, error, attached, preview } = one;
  const isUnderWay = status === "waiting" || status === "sending";
  const percent = Math.floor(share * 100);
  return (
    <li className={styles.file} data-failed={status === "failed" || undefined}>
      {preview !== undefined ? (
        <img className={styles.thumb} src={preview} alt="" />
      ) : attached && isPicture(attached) ? (
        <Picture file={attached} className={styles.thumb} />
      ) : (
        <FileIcon kind={attached?.kind} />
      )}
      <span className={styles.told}>
        <span className={styles.name} title={name}>
          {name}
        </span>
        {status === "failed" ? (
          <span role="alert" className={styles.error}>
            {/* What stands above it is not read out with it. */}
            <span className="visually-hidden">{named(name, "")}</span>
            {refusalText(error, t, most && sizeText(most))}
          </span>
        ) : (
          <span className={styles.size}>
            {isUnderWay ? t.files.sending(percent) : sizeText(size)}
          </span>
        )}
        {isUnderWay && (
          <progress className={styles.progress} max={1} value={share} aria-label={name} />
        )}
      </span>
      {status === "failed" && mayHelp(error) && (
        <IconButton
          icon={RotateCcw}
          size={16}
          label={t.files.again(name)}
          onClick={() => uploads.again(place, id)}
        />
      )}
      <IconButton
        icon={X}
        size={16}
        label={isUnderWay ? t.files.cancel(name) : t.files.remove(name)}
        onClick={() => uploads.remove(place, id)}
      />
    </li>
  );
}

/** What is said of a file that was not taken, in as much detail as there is. */
function refusalText(error: unknown, t: Texts, most: string | 0 | undefined): string {
  if (isNotFound(error)) return t.files.gone;
  if (most && error instanceof ApiError && error.reason === "FILE_TOO_LARGE")
    return t.files.tooLarge(most);
  const cause = error instanceof ApiError ? error.problem.cause : undefined;
  return (typeof cause === "string" && t.files.causes[cause]) || errorText(error, t);
}

/** Whether the same file may be taken another time. */
function mayHelp(error: unknown): boolean {
  return !(error instanceof ApiError) || ![404, 413, 415, 422].includes(error.status);
}
