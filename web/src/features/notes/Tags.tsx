import { X } from "lucide-react";
import { useText } from "../../i18n";
import { IconButton } from "../../ui/IconButton";
import { onKeys } from "../../ui/useKey";
import styles from "./Tags.module.css";

const MOST = 20;

/** The tags of a note: Enter or a comma adds the one that is written, Backspace takes the last away. */
export function Tags({
  tags,
  onChange,
}: {
  tags: readonly string[];
  onChange: (tags: string[]) => void;
}) {
  const t = useText();

  function add(box: HTMLInputElement) {
    const written = box.value
      .split(/[,，、]/)
      .map((tag) => tag.trim().replace(/^#/, "").trim())
      .filter((tag) => tag !== "");
    box.value = "";
    const known = new Set(tags.map((tag) => tag.toLowerCase()));
    const fresh = written.filter((tag) => {
      const isNew = !known.has(tag.toLowerCase());
      known.add(tag.toLowerCase());
      return isNew;
    });
    if (fresh.length > 0) onChange([...tags, ...fresh].slice(0, MOST));
  }

  return (
    <div className={styles.tags}>
      {tags.map((tag) => (
        <span key={tag} className={styles.tag}>
          #{tag}
          <IconButton
            icon={X}
            size={14}
            label={t.notes.removeTag(tag)}
            className={styles.cross}
            onClick={() => onChange(tags.filter((other) => other !== tag))}
          />
        </span>
      ))}
      <input
        aria-label={t.notes.addTag}
        placeholder={t.notes.addTag}
        maxLength={50}
        autoComplete="off"
        onBlur={(event) => add(event.currentTarget)}
        onInput={(event) => {
          const composing = (event.nativeEvent as InputEvent).isComposing;
          if (!composing && /[,，、]/.test(event.currentTarget.value)) add(event.currentTarget);
        }}
        onKeyDown={onKeys({
          Enter: (event) => add(event.currentTarget as HTMLInputElement),
          Backspace: (event) => {
            if ((event.currentTarget as HTMLInputElement).value !== "" || tags.length === 0)
              return false;
            onChange(tags.slice(0, -1));
          },
        })}
      />
    </div>
  );
}
