import {
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { ApiError } from "../../api";
import { useText } from "../../i18n";
import { useReconnecting } from "../../stream/use";
import { useKeys } from "../../ui/useKey";
import { uploads } from "../files/uploads";
import { useChosen } from "../files/useChosen";
import { useDrop } from "../files/useDrop";
import { Announcer } from "./Announcer";
import { Answer } from "./Answer";
import { Composer, type ComposerHandle } from "./Composer";
import styles from "./Conversation.module.css";
import { DeleteDialog } from "./DeleteDialog";
import type { Entry } from "./entries";
import { keptWish } from "./kept";
import { Log } from "./Log";
import { copyLast, editLast, move } from "./moves";
import { outbox } from "./outbox";
import type { NewSession, Pending } from "./pending";
import { PendingQuestion, Question } from "./Question";
import { Queue } from "./Queue";
import type { Scroller } from "./scroller";
import { type OtherModel, useActions } from "./useActions";
import { useDrawn } from "./useDrawn";
import type { useEntries } from "./useEntries";
import { useRemoval } from "./useRemoval";
import { useShownMessage } from "./useShownMessage";

const DropHint = lazy(() => import("../files/DropHint"));

const LAST = "";
/** The draft of a conversation that is not made yet. */
const NEW = "new";

const UsageNotice = lazy(() => import("../usage/UsageNotice"));

interface Props {
  sessionId: string | undefined;
  place: string;
  log: ReturnType<typeof useEntries>;
  /** What a conversation that is made for the first question is to be like. */
  making: NewSession | undefined;
  /** The connection and model that the header shows, which the server may not have been told yet. */
  shown: OtherModel;
  header: ReactNode;
  /** What stands in the log besides messages; `ask` asks at once, or says what there is to be waited for. */
  foot: (ask: (text: string) => void) => ReactNode;
  blocked: boolean;
}

/** The conversation as one reads and writes it. */
export function Conversation(props: Props) {
  const { sessionId, place, log, making, shown, header, foot, blocked } = props;
  const { query, entries, run, pending, queued, held, idle } = log;
  const t = useText();
  const root = useRef<HTMLDivElement>(null);
  const scroller = useRef<Scroller>(undefined);
  const composer = useRef<ComposerHandle>(null);
  /** The key of what is to be at the top as soon as it is there. */
  const pinNext = useRef<string>(undefined);
  const [stopping, setStopping] = useState<string>();
  const reconnecting = useReconnecting();
  const pin = useCallback((key: string | undefined) => {
    pinNext.current = key ?? LAST;
  }, []);
  // Whoever pressed what is not there any more is where one writes.
  const toComposer = useCallback(() => {
    const at = document.activeElement;
    // Somebody types there.
    if (at?.matches("textarea, input")) return;
    if (at === null || at === document.body || at.closest("article")) composer.current?.focus();
  }, []);
  const removal = useRemoval(root, composer, entries);
  const actions = useActions(sessionId, place, pin, toComposer, removal.ask);
  const draft = sessionId ?? NEW;
  const files = useChosen(draft);
  const drop = useDrop(files.offered ? files.add : undefined);
  const [isWaiting, setIsWaiting] = useState(false);
  if (isWaiting && files.isWhole) setIsWaiting(false);
  // Chosen while the conversation was made, they are for it.
  const before = useRef(draft);
  useEffect(() => {
    if (before.current === NEW && draft !== NEW) uploads.move(NEW, draft);
    before.current = draft;
  }, [draft]);
  const drawn = useDrawn(entries);
  const isWhole = drawn.length === entries.length;
  useShownMessage(query, drawn, isWhole, scroller, root, actions.choose);

  const send = (content: string) => {
    // What is queued comes into the log later, under the eyes of a reader: nothing moves for it.
    if (!outbox.waits(place, sessionId)) pinNext.current = LAST;
    const attached = uploads.take(draft);
    const asking = {
      ...shown,
      ...keptWish(),
      ...(attached.length > 0 && { attachments: idsOf(attached) }),
    };
    void outbox.put(place, { kind: "send", content, draft, sessionId, making, asking, attached });
  };

  const takeBack = ({ press, content, attached = [] }: Pending) => {
    outbox.drop(place, press);
    uploads.putBack(draft, attached);
    composer.current?.insert(content);
  };

  useLayoutEffect(() => {
    if (pinNext.current === undefined) return;
    const last = entries.findLast((entry) => entry.kind !== "answer")?.key;
    const key = pinNext.current === LAST ? last : pinNext.current;
    const found = root.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key ?? "")}"]`);
    if (!found) return;
    pinNext.current = undefined;
    scroller.current?.pin(found);
    toComposer();
  }, [entries, toComposer]);

  const live = run?.live ? run.runId : undefined;
  const stop = () => {
    if (live === undefined || document.querySelector(":popover-open")) return false;
    setStopping(live);
    return actions.stop(live).finally(() => setStopping(undefined));
  };
  const moves = {
    "Alt+ArrowUp": () => move(root.current, -1),
    "Alt+ArrowDown": () => move(root.current, 1),
  };
  useKeys({
    ...moves,
    Escape: live === undefined ? undefined : stop,
    "Mod+Shift+c": () => copyLast(root.current, entries, t),
  });

  const render = (entry: Entry) => {
    switch (entry.kind) {
      case "question":
        return (
          <Question
            message={entry.message}
            actions={actions}
            idle={idle}
            unanswered={idle && entry === entries.at(-1)}
          />
        );
      case "pending":
        return (
          <PendingQuestion
            pending={entry.pending}
            onRetry={() => {
              void outbox.again(place, entry.key, sessionId);
              toComposer();
            }}
            onTakeBack={() => takeBack(entry.pending)}
          />
        );
      case "answer":
        return <Answer message={entry.message} run={entry.run} actions={actions} idle={idle} />;
    }
  };

  return (
    <div ref={root} className={styles.conversation} {...drop.on}>
      {header}
      {drop.over && files.limits && (
        <Suspense fallback={null}>
          <DropHint limits={files.limits} />
        </Suspense>
      )}
      <Log
        entries={drawn}
        render={render}
        handle={scroller}
        older={isWhole ? query.older : { ...query.older, more: false }}
        foot={foot((starter) => (files.isWhole ? send(starter) : setIsWaiting(true)))}
      />
      <div className={styles.foot}>
        <div className={styles.column}>
          <div role="status" className={styles.state}>
            {reconnecting ? t.chat.reconnecting : isWaiting && t.files.waitForFiles}
          </div>
          <Queue
            queued={queued}
            held={held}
            onSend={() => {
              pinNext.current = LAST;
              outbox.sendHeld(place);
            }}
            onTakeBack={takeBack}
          />
          <Suspense>
            <UsageNotice ended={run?.live ? undefined : run?.runId} refused={usedUpAt(pending)} />
          </Suspense>
          <Composer
            draft={draft}
            handle={composer}
            files={files}
            onSend={send}
            blocked={blocked}
            onBlocked={() => setIsWaiting(!files.isWhole)}
            onStop={live === undefined ? undefined : stop}
            stopping={live !== undefined && stopping === live}
            keys={moves}
            onEditLast={() => {
              const last = queued.at(-1);
              if (last === undefined) return editLast(root.current);
              takeBack(last);
            }}
          />
        </div>
      </div>
      {removal.removing && (
        <DeleteDialog message={removal.removing} place={place} onClose={removal.close} />
      )}
      <Announcer run={run} />
    </div>
  );
}

/** The last question that was refused because something is used up. */
const usedUpAt = (pending: readonly Pending[]) =>
  pending.findLast(({ error }) => error instanceof ApiError && error.resetsAt)?.press;

const idsOf = (attached: readonly { id: string }[]) => attached.map(({ id }) => id);
