import {
  Ellipsis,
  GitFork,
  Info,
  NotebookPen,
  Pencil,
  RotateCcw,
  Shuffle,
  Trash2,
} from "lucide-react";
import { type RefObject, useState } from "react";
import { useText } from "../../i18n";
import { htmlOf } from "../../markdown/clipboard";
import { CopyButton } from "../../markdown/copy-button";
import { IconButton } from "../../ui/IconButton";
import { Menu, MenuItem } from "../../ui/Menu";
import { ContextDialog } from "./ContextDialog";
import styles from "./Message.module.css";
import type { Message } from "./messages";
import { OtherModelDialog } from "./OtherModelDialog";
import type { Actions } from "./useActions";
import { Variants } from "./Variants";

interface Props {
  message: Message;
  /** What is shown of it. */
  body: RefObject<HTMLElement | null>;
  actions: Actions;
  idle: boolean;
  onEdit: () => void;
}

/** What can be done with an answer that has ended. */
export function AnswerActions({ message, body, actions, idle, onEdit }: Props) {
  const t = useText();
  const [dialog, setDialog] = useState<"context" | "model">();
  const close = () => setDialog(undefined);
  const whole = () => ({
    text: message.content,
    ...(body.current && { html: htmlOf(body.current) }),
  });
  return (
    <>
      <Variants of={message.variants} onChoose={actions.choose} />
      <CopyButton label={t.chat.copy} what={whole} />
      <IconButton
        icon={RotateCcw}
        label={t.chat.regenerate}
        size={16}
        disabled={!idle}
        onClick={() => actions.regenerate(message)}
      />
      <Menu
        label={t.chat.more}
        placement="bottom-start"
        trigger={(props) => <IconButton icon={Ellipsis} label={t.chat.more} size={16} {...props} />}
      >
        <MenuItem icon={Shuffle} disabled={!idle} onSelect={() => setDialog("model")}>
          {t.chat.regenerateWith}
        </MenuItem>
        <MenuItem icon={Pencil} disabled={!idle} onSelect={onEdit}>
          {t.chat.edit}
        </MenuItem>
        <MenuItem icon={GitFork} onSelect={() => actions.fork(message)}>
          {t.chat.fork}
        </MenuItem>
        <MenuItem
          icon={NotebookPen}
          disabled={message.content === ""}
          onSelect={() => actions.saveNote(message)}
        >
          {t.chat.saveNote}
        </MenuItem>
        {message.run_id !== null && (
          <MenuItem icon={Info} onSelect={() => setDialog("context")}>
            {t.chat.context}
          </MenuItem>
        )}
        <MenuItem icon={Trash2} danger onSelect={() => actions.remove(message)}>
          {t.common.remove}
        </MenuItem>
      </Menu>
      {message.model !== null && <span className={styles.model}>{message.model}</span>}
      {dialog === "context" && <ContextDialog message={message} onClose={close} />}
      {dialog === "model" && (
        <OtherModelDialog
          onClose={close}
          onChoose={(other) => {
            close();
            actions.regenerate(message, other);
          }}
        />
      )}
    </>
  );
}
