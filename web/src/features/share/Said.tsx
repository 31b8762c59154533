import { memo } from "react";
import { useText } from "../../i18n";
import { Markdown } from "../../markdown/markdown";
import { Bubble } from "../chat/Bubble";
import { excerpt } from "../chat/excerpt";
import messages from "../chat/Message.module.css";
import { Thinking } from "../chat/Thinking";
import styles from "./Share.module.css";
import type { SharedMessage } from "./useShare";

/** A message as others see it: nothing can be done to it. */
export const Said = memo(function Said({ message }: { message: SharedMessage }) {
  const t = useText();
  const { role, content, reasoning, model } = message;
  if (role === "user")
    return (
      <article className={messages.question} aria-label={t.chat.youSaid(excerpt(content))}>
        <h2 className="visually-hidden">{t.chat.question}</h2>
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
