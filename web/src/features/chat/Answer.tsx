import { memo, useRef, useState } from "react";
import { useText } from "../../i18n";
import { Markdown } from "../../markdown/markdown";
import type { SessionRun } from "../../stream";
import { useRun } from "../../stream/use";
import { AnswerActions } from "./AnswerActions";
import { AnswerEnd } from "./AnswerEnd";
import { answerState, thoughtSeconds } from "./answerState";
import { EditBox, keepFocus } from "./EditBox";
import { excerpt } from "./excerpt";
import styles from "./Message.module.css";
import type { Message } from "./messages";
import { Thinking } from "./Thinking";
import type { Actions } from "./useActions";

interface Props {
  message?: Message | undefined;
  run?: SessionRun | undefined;
  actions: Actions;
  idle: boolean;
}

export const Answer = memo(function Answer({ message, run, actions, idle }: Props) {
  const t = useText();
  const article = useRef<HTMLElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const [editing, setEditing] = useState(false);
  const written = useRun(run?.runId);
  const state = answerState(message, written, run !== undefined);
  const id = message?.id ?? run?.answerId ?? "";
  const seconds = thoughtSeconds(id, written);
  return (
    <article
      ref={article}
      className={styles.answer}
      aria-label={t.chat.answer(state.live ? "" : excerpt(state.text))}
      aria-busy={state.live || undefined}
      data-message={id}
      tabIndex={-1}
    >
      <h2 className="visually-hidden">{t.chat.answerRole}</h2>
      {state.reasoning !== "" && (
        <Thinking text={state.reasoning} live={state.thinking} seconds={seconds} />
      )}
      {state.thinking && state.reasoning === "" && <span aria-hidden className={styles.waiting} />}
      {editing && message !== undefined ? (
        <EditBox
          id={message.id}
          text={message.content}
          label={t.chat.save}
          onClose={() => {
            setEditing(false);
            keepFocus(article.current);
          }}
          onSubmit={(text) => actions.editAnswer(message, text)}
        />
      ) : (
        <div ref={body} data-body>
          <Markdown text={state.text} open={state.live} />
        </div>
      )}
      {!state.live && <AnswerEnd state={state} message={message} actions={actions} idle={idle} />}
      <div className={styles.actions}>
        {message !== undefined && !state.live && !editing && (
          <AnswerActions
            message={message}
            body={body}
            actions={actions}
            idle={idle}
            onEdit={() => setEditing(true)}
          />
        )}
      </div>
    </article>
  );
});
