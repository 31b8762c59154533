import { lazy, memo, Suspense, useMemo } from "react";
import { useText } from "../../i18n";
import { Markdown } from "../../markdown/markdown";
import { classes } from "../../ui/classes";
import { Bubble } from "../chat/Bubble";
import { excerpt } from "../chat/excerpt";
import messages from "../chat/Message.module.css";
import { Thinking } from "../chat/Thinking";
import styles from "./Share.module.css";
import { type SharedMessage, sharedContent } from "./useShare";

const MessageFiles = lazy(() => import("../files/MessageFiles"));

/** A message as others see it: nothing can be done to it. */
export const Said = memo(function Said({
  token,
  message,
}: {
  /** Of the share. */
  token: string;
  message: SharedMessage;
}) {
  const t = useText();
  const { role, content, reasoning, model } = message;
  if (role === "user")
    return (
      <article
        className={classes(messages.question, styles.question)}
        aria-label={t.chat.youSaid(excerpt(content))}
      >
        <h2 className="visually-hidden">{t.chat.question}</h2>
        {message.files.length > 0 && <Files token={token} files={message.files} />}
        <Bubble text={content} />
      </article>
    );
  return (
    <article className={messages.answer} aria-label={t.chat.answer(excerpt(content))}>
      <h2 className="visually-hidden">{t.chat.answerRole}</h2>
      {reasoning !== null && reasoning !== "" && (
        <Thinking text={reasoning} live={false} seconds={undefined} />
      )}
      <div data-body>
        <Markdown text={content} open={false} />
      </div>
      <p className={styles.model}>{model}</p>
    </article>
  );
});

function Files({ token, files }: { token: string; files: SharedMessage["files"] }) {
  const read = useMemo(
    () =>
      files.map((file) => ({
        ...file,
        read: (signal?: AbortSignal) => sharedContent(token, file.id, signal),
      })),
    [token, files],
  );
  return (
    <Suspense>
      <MessageFiles files={read} />
    </Suspense>
  );
}
