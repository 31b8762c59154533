import { ArrowLeft, MessageSquareText, Pin, PinOff, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { useText } from "../../i18n";
import { Markdown } from "../../markdown/markdown";
import { routes } from "../../routes";
import { Button } from "../../ui/Button";
import { deleteLater } from "../../ui/deletions";
import { ErrorText } from "../../ui/ErrorText";
import { IconButton } from "../../ui/IconButton";
import { tell } from "../../ui/tell";
import { Conflict } from "./Conflict";
import styles from "./NoteEditor.module.css";
import { deleteNote } from "./requests";
import type { Note, Saving } from "./saver";
import { Tags } from "./Tags";
import { useNoteSaver } from "./useNoteSaver";
import { useReplaced } from "./useReplaced";

/** A note, written and saved by itself; or read, as Markdown. */
export function NoteEditor({ note }: { note: Note }) {
  const t = useText();
  const [, navigate] = useLocation();
  const { saver, saving } = useNoteSaver(note);
  const [reads, setReads] = useState(false);
  const shown = saver.shown();
  const title = useReplaced<HTMLInputElement>(shown.title, saving.replaced.title);
  const content = useReplaced<HTMLTextAreaElement>(shown.content, saving.replaced.content);
  const isNew = useRef(note.version === 1 && note.content === "");

  // A new one begins with its title.
  useEffect(() => {
    if (!isNew.current) return;
    title.current?.focus();
    title.current?.select();
  }, [title]);

  function remove() {
    navigate(routes.notes);
    deleteLater(
      note.id,
      { deleted: t.notes.deleted(shown.title), undo: t.common.undo },
      (closing) => deleteNote(note.id, closing),
      (error) => tell(error, t),
    );
  }

  return (
    <article className={styles.editor}>
      <h1 className="visually-hidden">{shown.title}</h1>
      <header className={styles.head}>
        <Link href={routes.notes} aria-label={t.notes.back} className={styles.back}>
          <ArrowLeft aria-hidden size={18} />
        </Link>
        <SavingState saving={saving} onRetry={() => void saver.flush()} />
        <Button small aria-pressed={reads} onClick={() => setReads(!reads)}>
          {reads ? t.notes.write : t.notes.read}
        </Button>
        {note.source && (
          <Link
            href={`${routes.chat(note.source.session_id)}?m=${encodeURIComponent(note.source.message_id)}`}
            aria-label={t.notes.source}
            title={t.notes.source}
            className={styles.icon}
          >
            <MessageSquareText aria-hidden size={18} strokeWidth={1.75} />
          </Link>
        )}
        <IconButton
          icon={shown.pinned ? PinOff : Pin}
          label={shown.pinned ? t.notes.unpin : t.notes.pin}
          onClick={() => saver.edit({ pinned: !shown.pinned })}
        />
        <IconButton icon={Trash2} label={t.notes.remove} onClick={remove} />
      </header>
      {saving.status === "conflict" && saving.theirs && (
        <Conflict
          mine={shown}
          theirs={saving.theirs}
          onSettle={(whose) => void saver.settle(whose)}
        />
      )}
      <div className={styles.fields}>
        <input
          ref={title}
          aria-label={t.notes.title}
          placeholder={t.notes.title}
          className={styles.title}
          maxLength={200}
          autoComplete="off"
          defaultValue={shown.title}
          onInput={(event) => saver.edit({ title: event.currentTarget.value })}
          onBlur={(event) => {
            if (event.currentTarget.value.trim() === "")
              event.currentTarget.value = saver.shown().title;
          }}
        />
        <Tags tags={shown.tags} onChange={(tags) => saver.edit({ tags })} />
        {reads ? (
          <div className={styles.read}>
            <Markdown text={shown.content} />
          </div>
        ) : (
          <textarea
            ref={content}
            aria-label={t.notes.text}
            placeholder={t.notes.text}
            className={styles.text}
            maxLength={100_000}
            defaultValue={shown.content}
            onInput={(event) => saver.edit({ content: event.currentTarget.value })}
          />
        )}
      </div>
    </article>
  );
}

function SavingState({ saving, onRetry }: { saving: Saving; onRetry: () => void }) {
  const t = useText();
  const failed = saving.status === "failed" || saving.status === "gone";
  return (
    <p role="status" className={styles.state}>
      {failed ? (
        <>
          <span className={styles.failed}>
            <ErrorText error={saving.error} />
          </span>{" "}
          {saving.status === "failed" && (
            <Button small onClick={onRetry}>
              {t.common.retry}
            </Button>
          )}
        </>
      ) : (
        t.notes.states[saving.status as "saved" | "writing" | "conflict"]
      )}
    </p>
  );
}
