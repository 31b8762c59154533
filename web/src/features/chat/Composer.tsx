import { ArrowUp, Square } from "lucide-react";
import {
  type ClipboardEvent,
  lazy,
  type RefObject,
  Suspense,
  useCallback,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
} from "react";
import { useText } from "../../i18n";
import { IconButton } from "../../ui/IconButton";
import { toast } from "../../ui/toast";
import { touch } from "../../ui/touch";
import { type Keys, onKeys } from "../../ui/useKey";
import { AttachButton } from "../files/AttachButton";
import type { useChosen } from "../files/useChosen";
import styles from "./Composer.module.css";
import { drafts, useDraftsKept } from "./drafts";
import { useEntersSend } from "./useEntersSend";
import { fitsItself, useFit } from "./useFit";

const ChosenFiles = lazy(() => import("../files/ChosenFiles"));

export interface ComposerHandle {
  /** Not on a phone, where that would cover the half of the page with its keyboard. */
  focus(): void;
  /** Puts a text in front of what is typed. */
  insert(text: string): void;
}

/** A pasted text of more characters may go along as a file. */
const LONG = 8_000;
/** A field is lower with one line, and higher with two. */
const TWO_LINES_PX = 56;

interface Props {
  /** Whose draft it is: a conversation's id, or `new`. */
  draft: string;
  handle: RefObject<ComposerHandle | null>;
  /** The files that go along. */
  files: ReturnType<typeof useChosen>;
  onSend: (text: string) => void;
  /** Nothing can be sent: there is nobody to ask. */
  blocked: boolean;
  /** Somebody wanted to send something all the same. */
  onBlocked: () => void;
  /** Ends the answer that is being written; undefined: there is none. */
  onStop: (() => void) | undefined;
  stopping: boolean;
  /** ↑ in the empty field. False: there is nothing to edit. */
  onEditLast: () => boolean | undefined;
  /** What else of the conversation's keys is good while one types. */
  keys: Keys;
}

/** Where one writes. The text is the browser's own: nothing rewrites it while one types. */
export function Composer(props: Props) {
  const { draft, handle, files, onSend, blocked, onBlocked, onStop, stopping, onEditLast } = props;
  const t = useText();
  const area = useRef<HTMLTextAreaElement>(null);
  /** What offers to attach a long text instead. */
  const offered = useRef<number>(undefined);
  const entersSend = useEntersSend();
  const [empty, setEmpty] = useState(() => drafts.of(draft).trim() === "");
  /** It took more than a line since it was empty: on a phone it has the whole width. */
  const [tall, setTall] = useState(false);
  const fitHeight = useFit(area);
  useDraftsKept();

  const adjust = useCallback(() => {
    fitHeight();
    const element = area.current;
    if (element === null) return;
    const { value, offsetHeight } = element;
    // An empty one is as high as what one touches, and a second line makes it higher.
    setTall((before) => value !== "" && (before || offsetHeight > TWO_LINES_PX));
  }, [fitHeight]);

  useEffect(() => {
    const element = area.current;
    if (element === null) return;
    const text = drafts.of(draft);
    // Left alone where it stands there already: somebody may be typing.
    if (element.value !== text) element.value = text;
    setEmpty(element.value.trim() === "");
    adjust();
    if (!touch.matches) element.focus({ preventScroll: true });
  }, [draft, adjust]);

  const changed = () => {
    const text = area.current?.value ?? "";
    setEmpty(text.trim() === "");
    drafts.keep(draft, text);
    adjust();
  };

  useImperativeHandle(handle, () => ({
    focus() {
      if (!touch.matches) area.current?.focus({ preventScroll: true });
    },
    insert(text) {
      const element = area.current;
      if (element === null) return;
      element.value = [text, element.value].filter(Boolean).join("\n\n");
      changed();
      element.focus();
    },
  }));

  function send() {
    const element = area.current;
    const text = element?.value ?? "";
    if (element === null || text.trim() === "") return;
    if (blocked || !files.isWhole) {
      onBlocked();
      return;
    }
    element.value = "";
    // What was pasted is on its way.
    if (offered.current !== undefined) toast.dismiss(offered.current);
    setEmpty(true);
    adjust();
    onSend(text);
    drafts.empty(draft);
  }

  const onKeyDown = onKeys({
    ...props.keys,
    Enter: entersSend ? send : () => false,
    "Mod+Enter": send,
    ArrowUp: () => (area.current?.value === "" ? onEditLast() : false),
  });

  const pasted = (event: ClipboardEvent) => {
    const { files: given, types } = event.clipboardData;
    // What is copied from a text comes as a picture of it as well.
    if (types.includes("text/plain")) {
      const text = event.clipboardData.getData("text/plain");
      if (text.length > LONG) offerAsFile(text.replace(/\r\n?/g, "\n"));
    } else if (given.length > 0) {
      event.preventDefault();
      files.add([...given]);
    }
  };

  function offerAsFile(text: string) {
    const run = () => {
      files.add([new File([text], t.files.pasted, { type: "text/plain" })]);
      const element = area.current;
      if (element === null) return;
      // Where it was changed since, both are kept.
      element.value = element.value.replace(text, () => "");
      changed();
      element.focus();
    };
    offered.current = toast.show({
      text: t.files.isLong,
      action: { label: t.files.asFile, run },
    });
  }

  return (
    <form
      className={styles.composer}
      data-tall={tall || undefined}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {files.chosen.length > 0 && (
        <Suspense fallback={null}>
          <ChosenFiles place={draft} chosen={files.chosen} most={files.limits?.maximum_bytes} />
        </Suspense>
      )}
      {files.offered && files.limits && <AttachButton limits={files.limits} onFiles={files.add} />}
      <textarea
        ref={area}
        id="composer"
        className={styles.area}
        data-fits={fitsItself || undefined}
        aria-label={t.chat.message}
        placeholder={t.chat.placeholder}
        rows={1}
        autoComplete="off"
        enterKeyHint={entersSend ? "send" : "enter"}
        onInput={changed}
        onPaste={files.offered ? pasted : undefined}
        onKeyDown={onKeyDown}
      />
      {onStop && (
        <IconButton
          icon={Square}
          label={t.chat.stop}
          className={styles.stop}
          aria-busy={stopping || undefined}
          disabled={stopping}
          onClick={onStop}
        />
      )}
      {(!onStop || !empty) && (
        <IconButton
          icon={ArrowUp}
          label={t.chat.send}
          type="submit"
          className={styles.send}
          disabled={empty || blocked || !files.isWhole}
        />
      )}
    </form>
  );
}
