import { Pencil, RotateCcw, Trash2, Undo2 } from "lucide-react";
import { lazy, memo, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { fieldTexts } from "../../api";
import { useText } from "../../i18n";
import { CopyButton } from "../../markdown/copy-button";
import { Button } from "../../ui/Button";
import { ErrorText } from "../../ui/ErrorText";
import { IconButton } from "../../ui/IconButton";
import type { OnMessage } from "../files/MessageFiles";
import { Bubble } from "./Bubble";
import { EditBox, keepFocus } from "./EditBox";
import { excerpt } from "./excerpt";
import styles from "./Message.module.css";
import type { Message } from "./messages";
import type { Pending } from "./pending";
import type { Actions } from "./useActions";
import { Variants } from "./Variants";

const MessageFiles = lazy(() => import("../files/MessageFiles"));

interface Props {
  message: Message;
  actions: Actions;
  /** False while an answer is written: then nothing can be asked anew. */
  idle: boolean;
  /** Whether nothing stands behind it: what did was deleted. */
  unanswered: boolean;
}

export const Question = memo(function Question({ message, actions, idle, unanswered }: Props) {
  const t = useText();
  const article = useRef<HTMLElement>(null);
  const [editing, setEditing] = useState(false);
  const { content } = message;
  if (editing) {
    return (
      <article ref={article} className={styles.question} data-message={message.id} tabIndex={-1}>
        <EditBox
          id={message.id}
          text={content}
          files={message.attachments}
          label={t.chat.ask}
          enters
          onClose={() => {
            setEditing(false);
            keepFocus(article.current);
          }}
          onSubmit={async (text, kept) => {
            actions.editQuestion(message, text, kept);
            return true;
          }}
        />
      </article>
    );
  }
  return (
    <article
      ref={article}
      className={styles.question}
      aria-label={t.chat.youSaid(excerpt(content))}
      data-message={message.id}
      data-unanswered={unanswered || undefined}
      tabIndex={-1}
    >
      <h2 className="visually-hidden">{t.chat.question}</h2>
      <Files files={message.attachments} />
      <Bubble text={content} />
      <div className={styles.actions}>
        <Variants of={message.variants} onChoose={actions.choose} />
        <CopyButton label={t.chat.copy} what={() => ({ text: content })} />
        <IconButton
          icon={Pencil}
          label={t.chat.edit}
          size={16}
          disabled={!idle}
          data-edit
          onClick={() => setEditing(true)}
        />
        {unanswered && (
          <IconButton
            icon={RotateCcw}
            label={t.chat.regenerate}
            size={16}
            onClick={() => actions.regenerate(message)}
          />
        )}
        <IconButton
          icon={Trash2}
          label={t.common.remove}
          size={16}
          onClick={() => actions.remove(message)}
        />
      </div>
    </article>
  );
});

/** A question that is on its way, or could not be sent: then it stays until one decides. */
export function PendingQuestion({
  pending,
  onRetry,
  onTakeBack,
}: {
  pending: Pending;
  onRetry: () => void;
  onTakeBack: () => void;
}) {
  const t = useText();
  const { content, status, error, attached = [] } = pending;
  return (
    <article
      className={styles.question}
      aria-label={t.chat.youSaid(excerpt(content))}
      tabIndex={-1}
    >
      <Files files={attached} />
      <Bubble text={content} failed={status === "failed"} />
      {status === "failed" ? (
        <div role="alert" className={styles.failed}>
          <p>
            {t.chat.notSent}{" "}
            {fieldTexts(error, t).content ?? fieldTexts(error, t).attachments ?? (
              <ErrorText error={error} />
            )}
          </p>
          <Button small icon={RotateCcw} onClick={onRetry}>
            {t.common.retry}
          </Button>
          <Button small look="quiet" icon={Undo2} onClick={onTakeBack}>
            {t.chat.takeBack}
          </Button>
        </div>
      ) : (
        <div className={styles.actions}>
          <Late>{t.chat.sending}</Late>
        </div>
      )}
    </article>
  );
}

/** What is attached to it. */
function Files({ files }: { files: readonly OnMessage[] }) {
  if (files.length === 0) return null;
  return (
    <Suspense fallback={null}>
      <MessageFiles files={files} />
    </Suspense>
  );
}

/** What is said only once it lasts. The place for it is kept. */
function Late({ children }: { children: ReactNode }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 1_000);
    return () => clearTimeout(timer);
  }, []);
  return <span className={styles.late}>{late && children}</span>;
}
