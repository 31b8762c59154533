import { useQuery } from "@tanstack/react-query";
import { api, ok, type Schema } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Dialog } from "../../ui/Dialog";
import { ErrorText } from "../../ui/ErrorText";
import { Spinner } from "../../ui/Spinner";
import { parameterName, parameterValue } from "../parameters/told";
import styles from "./ContextDialog.module.css";
import type { Message } from "./messages";

type Context = Schema<"Context">;

/** What the model was given for an answer, and what of the conversation it was not. */
export function ContextDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const t = useText();
  const { data, error } = useQuery({
    queryKey: ["context", message.id, message.run_id],
    queryFn: ({ signal }) =>
      ok(
        api.GET("/api/v1/chat/sessions/{session_id}/messages/{message_id}/context", {
          signal,
          params: { path: { session_id: message.session_id, message_id: message.id } },
        }),
      ),
  });
  return (
    <Dialog open wide title={t.chat.context} onClose={onClose}>
      <Facts message={message} />
      {data && <Given context={data} />}
      {error && (
        <p role="alert">
          <ErrorText error={error} />
        </p>
      )}
      {!data && !error && <Spinner />}
    </Dialog>
  );
}

function Facts({ message }: { message: Message }) {
  const t = useText();
  const { number } = useFormat();
  const { usage, parameters, adapted, provider } = message;
  const { openai, anthropic } = t.keys;
  const kinds: Record<string, string> = { openai, anthropic };
  const asked = Object.entries(parameters ?? {}).filter(([, value]) => value !== null);
  return (
    <dl className={styles.facts}>
      <dt>{t.chat.model}</dt>
      <dd>
        {[message.model, provider && (kinds[provider] ?? provider)].filter(Boolean).join(" · ")}
      </dd>
      {usage && (
        <>
          <dt>{t.chat.usage}</dt>
          <dd>
            {t.chat.usageOf(number(usage.prompt_tokens), number(usage.completion_tokens))}
            {usage.cached_tokens !== null && ` · ${t.chat.cached(number(usage.cached_tokens))}`}
            {usage.reasoning_tokens !== null &&
              ` · ${t.chat.thoughtTokens(number(usage.reasoning_tokens))}`}
          </dd>
        </>
      )}
      {asked.length > 0 && (
        <>
          <dt>{t.chat.parameters}</dt>
          <dd>
            {asked
              .map(([name, value]) => `${parameterName(name, t)} ${parameterValue(name, value, t)}`)
              .join(" · ")}
          </dd>
        </>
      )}
      {adapted !== null && adapted.length > 0 && (
        <>
          <dt>{t.chat.adapted}</dt>
          <dd>
            {adapted
              .map(({ parameter: name, use }) =>
                [
                  parameterName(name, t),
                  use === null ? t.chat.leftAway : parameterValue(name, use, t),
                ].join(" "),
              )
              .join(" · ")}
          </dd>
        </>
      )}
    </dl>
  );
}

function Given({ context }: { context: Context }) {
  const t = useText();
  const { number } = useFormat();
  const { budget, summary, parts, left_out: leftOut, tokens } = context;
  const names = {
    system: t.chat.instructions,
    user: t.chat.question,
    assistant: t.chat.answerRole,
  };
  return (
    <>
      <p className={styles.total}>
        {budget
          ? t.chat.contextUsed(number(budget.used), number(budget.tokens))
          : t.chat.contextTokens(number(tokens))}
      </p>
      <h3>{t.chat.contextParts}</h3>
      <ol className={styles.parts}>
        {parts.map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are told apart by their place alone
          <li key={index}>
            <span>{names[part.role]}</span>
            <span className={styles.size}>
              {t.chat.partSize(number(part.characters), number(part.tokens))}
            </span>
            {part.files.length > 0 && <GivenFiles files={part.files} />}
          </li>
        ))}
      </ol>
      {summary?.text && (
        <>
          <h3>{t.chat.contextSummary}</h3>
          <p className={styles.summary}>{summary.text}</p>
        </>
      )}
      {leftOut.length > 0 && (
        <>
          <h3>{t.chat.contextLeftOut}</h3>
          <ul className={styles.parts}>
            {[...countBy(leftOut)].map(([reason, count]) => (
              <li key={reason}>
                <span>{t.chat.leftOut[reason] ?? reason}</span>
                <span className={styles.size}>{number(count)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function GivenFiles({ files }: { files: Context["parts"][number]["files"] }) {
  const t = useText();
  const { number } = useFormat();
  return (
    <ul className={styles.files}>
      {files.map(({ id, name, characters, of_characters: of, left_out: why }) => (
        <li key={id}>
          {why !== null
            ? t.files.notGiven(name, t.files.whyNot[why] ?? why)
            : characters === null
              ? t.files.shown(name)
              : t.files.given(name, number(characters), number(of ?? characters))}
        </li>
      ))}
    </ul>
  );
}

function countBy(leftOut: Context["left_out"]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of leftOut) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}
