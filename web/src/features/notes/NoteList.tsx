import { NotebookText, Pin, Plus, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { useTitle } from "../../shell/useTitle";
import { Button } from "../../ui/Button";
import { classes } from "../../ui/classes";
import { useLeaving } from "../../ui/deletions";
import { Empty } from "../../ui/Empty";
import { FormError } from "../../ui/Form";
import { IconButton } from "../../ui/IconButton";
import { Spinner } from "../../ui/Spinner";
import { Marked } from "../search/Marked";
import { useTyped } from "../search/useTyped";
import styles from "./NoteList.module.css";
import { type ListedNote, useNewNote, useNotes } from "./requests";
import { useUnsaved } from "./useUnsaved";

/** Notes, searched as one types; the pinned ones first. */
export function NoteList({ openId }: { openId: string | undefined }) {
  const t = useText();
  useTitle(t.common.notes);
  const [, navigate] = useLocation();
  const leaving = useLeaving();
  const unsaved = useUnsaved();
  const box = useRef<HTMLInputElement>(null);
  const { typed: q, input } = useTyped(box);
  const [tag, setTag] = useState("");
  const found = useNotes({ q, tag });
  const create = useNewNote();
  const notes = found.data?.pages.flatMap((page) => page.items).filter((n) => !leaving.has(n.id));
  const ordered = [...(notes ?? [])].sort(
    (one, other) => Number(other.pinned) - Number(one.pinned),
  );

  return (
    <div className={styles.side}>
      <header className={styles.head}>
        <h1>{t.common.notes}</h1>
        <Button
          icon={Plus}
          pending={create.isPending}
          onClick={() =>
            create.mutate(t.notes.untitled, { onSuccess: (n) => navigate(routes.note(n.id)) })
          }
        >
          {t.notes.add}
        </Button>
      </header>
      <div className={styles.search}>
        <input
          ref={box}
          type="search"
          aria-label={t.notes.search}
          placeholder={t.notes.search}
          {...input}
        />
        {tag && (
          <span className={styles.tag}>
            #{tag}
            <IconButton icon={X} size={14} label={t.notes.allTags} onClick={() => setTag("")} />
          </span>
        )}
      </div>
      <FormError error={create.error ?? found.error} />
      <nav className={styles.list} aria-label={t.common.notes}>
        {(found.isPending || (found.isPlaceholderData && notes?.length === 0)) && <Spinner />}
        {notes?.length === 0 && !found.isPlaceholderData && !found.hasNextPage && (
          <None searched={q !== "" || tag !== ""} />
        )}
        <ul>
          {ordered.map((note) => (
            <Item
              key={note.id}
              note={note}
              current={note.id === openId}
              unsaved={unsaved.has(note.id)}
              onTag={setTag}
            />
          ))}
        </ul>
        {found.isError ? (
          <Button
            small
            look="quiet"
            pending={found.isFetching}
            onClick={() =>
              void (found.isFetchNextPageError ? found.fetchNextPage() : found.refetch())
            }
          >
            {t.common.retry}
          </Button>
        ) : (
          found.hasNextPage && (
            // Anew with each page: one that ends early may leave the place in sight.
            <More
              key={found.data?.pages.length}
              onReached={() => !found.isFetchingNextPage && void found.fetchNextPage()}
            />
          )
        )}
      </nav>
    </div>
  );
}

function None({ searched }: { searched: boolean }) {
  const t = useText();
  if (searched) return <p className={styles.none}>{t.common.noMatches}</p>;
  return <Empty icon={NotebookText} text={t.notes.none} />;
}

function Item({
  note,
  current,
  unsaved,
  onTag,
}: {
  note: ListedNote;
  current: boolean;
  unsaved: boolean;
  onTag: (tag: string) => void;
}) {
  const t = useText();
  const format = useFormat();
  return (
    <li className={classes(styles.item, current && styles.current)}>
      <Link href={routes.note(note.id)} aria-current={current ? "page" : undefined}>
        <span className={styles.title}>
          {note.pinned && <Pin size={13} aria-label={t.notes.pinned} />} {note.title}
        </span>
        <span className={styles.text}>
          {note.snippet && note.hits ? (
            <Marked text={note.snippet} hits={note.hits} />
          ) : (
            note.content.slice(0, 120)
          )}
        </span>
      </Link>
      <span className={styles.foot}>
        {/* Of the one that is open its editor says it. */}
        {unsaved && !current ? (
          <strong className={styles.unsaved}>{t.notes.unsaved}</strong>
        ) : (
          format.ago(note.updated_at)
        )}
        {note.tags.map((tag) => (
          <button key={tag} type="button" onClick={() => onTag(tag)}>
            #{tag}
          </button>
        ))}
      </span>
    </li>
  );
}

/** Asks for the next page when it comes into sight. */
function More({ onReached }: { onReached: () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const reached = useRef(onReached);
  useEffect(() => {
    reached.current = onReached;
  });
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && reached.current());
    if (place.current) watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  return (
    <div ref={place}>
      <Spinner />
    </div>
  );
}
