import { Play, RotateCcw } from "lucide-react";
import { useRef, useState } from "react";
import { Link } from "wouter";
import { failureText } from "../../api";
import { type Texts, useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import type { Problem } from "../../stream";
import { Button } from "../../ui/Button";
import { RequestId } from "../../ui/ErrorText";
import type { AnswerState } from "./answerState";
import styles from "./Message.module.css";
import type { Message } from "./messages";
import type { Actions } from "./useActions";

// What is to be mended at the connection.
const OF_CONNECTIONS =
  /^(NO_KEY|KEY_|PROVIDER_(ADDRESS|FORBIDDEN|MODEL|NAME|PARAMETER|PATH|QUOTA|REDIRECTED|REFUSED|TLS|UNAUTH|UNKNOWN|UNREACHABLE|URL|GARBLED))/;

interface Props {
  state: AnswerState;
  message: Message | undefined;
  actions: Actions;
  idle: boolean;
}

/** How an answer ended, if other than well, and what can be done. */
export function AnswerEnd({ state, message, actions, idle }: Props) {
  const t = useText();
  const { sentences } = useFormat();
  const [pending, setPending] = useState(false);
  const failed = state.status === "failed";
  // The message, once it is there, does not have the provider's own words.
  const seen = useRef<Problem>(null);
  if (state.problem) seen.current = state.problem;
  const problem = failed ? seen.current : null;
  const said = failed
    ? failureText(problem?.reason ?? state.reason, t)
    : endText(state, t, sentences);
  const { runId } = state;
  const goOn = async () => {
    if (runId === null) return;
    setPending(true);
    await actions.continueRun(runId);
    setPending(false);
  };
  return (
    <>
      {state.fallback && (
        <p className={styles.note}>
          {t.chat.fallback(state.fallback.name, t.chat.fallbackReasons[state.fallback.reason])}
        </p>
      )}
      {state.cached && <p className={styles.note}>{t.chat.fromCache}</p>}
      {said !== undefined && (
        <div role={problem ? "alert" : undefined} className={failed ? styles.failure : styles.end}>
          <p>
            {said}
            {problem?.provider_message && (
              <span className={styles.told}>{problem.provider_message}</span>
            )}
            {problem?.request_id && <RequestId id={problem.request_id} />}
          </p>
          <span className={styles.ways}>
            {state.canContinue && (
              <Button small icon={Play} pending={pending} disabled={!idle} onClick={goOn}>
                {t.chat.continue}
              </Button>
            )}
            {failed && message !== undefined && (
              <Button
                small
                icon={RotateCcw}
                disabled={!idle}
                onClick={() => actions.regenerate(message)}
              >
                {t.common.retry}
              </Button>
            )}
            {failed && OF_CONNECTIONS.test(state.reason ?? "") && (
              <Link href={routes.keys}>{t.chat.toKeys}</Link>
            )}
          </span>
        </div>
      )}
      {!state.saved && <p className={styles.note}>{t.chat.notSaved}</p>}
    </>
  );
}

function endText(
  { status, reason, finishReason }: AnswerState,
  t: Texts,
  sentences: (...all: string[]) => string,
): string | undefined {
  if (status === "interrupted") {
    const known: Record<string, string> = t.errors;
    const why = reason !== null && reason !== "OWNER_LOST" ? known[reason] : undefined;
    return why === undefined ? t.chat.interrupted : sentences(t.chat.interrupted, why);
  }
  if (status === "cancelled") return t.chat.cancelled;
  if (status === "edited") return t.chat.editedAnswer;
  if (finishReason === "length") return t.chat.cutAtLength;
  if (finishReason === "content_filter") return t.chat.filtered;
  return undefined;
}
