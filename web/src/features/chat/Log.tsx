import { ArrowDown, RotateCcw } from "lucide-react";
import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { ErrorText } from "../../ui/ErrorText";
import { IconButton } from "../../ui/IconButton";
import type { Entry } from "./entries";
import { Groups } from "./Groups";
import styles from "./Log.module.css";
import type { Scroller } from "./scroller";
import { useScroller } from "./useScroller";

interface Props {
  entries: readonly Entry[];
  render: (entry: Entry) => ReactNode;
  /** Older messages, as long as there are any; `error`: why the last ones asked for did not come. */
  older: { more: boolean; loading: boolean; error: Error | null; load: () => void };
  /** The scroller, for whoever sends a question or looks for a message. */
  handle: RefObject<Scroller | undefined>;
  foot?: ReactNode;
}

/** The conversation as it is read: older messages come as one goes up. */
export function Log({ entries, render, older, handle, foot }: Props) {
  const t = useText();
  const { box, content, spacer, scroller, below } = useScroller();
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    handle.current = scroller.current;
    return () => {
      handle.current = undefined;
    };
  }, [handle, scroller]);

  const { more, loading, error } = older;
  const load = useRef(older.load);
  load.current = older.load;
  const failed = error !== null;
  const again = () => {
    // The button is about to go.
    box.current?.focus({ preventScroll: true });
    older.load();
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew behind each page
  useEffect(() => {
    // What was refused would be refused again, without pause.
    if (!more || loading || failed || !top.current || !box.current) return;
    const options = { root: box.current, rootMargin: "800px 0px 0px" };
    const observer = new IntersectionObserver(([seen]) => {
      if (!seen?.isIntersecting) return;
      scroller.current?.holdPlace();
      load.current();
    }, options);
    observer.observe(top.current);
    return () => observer.disconnect();
  }, [more, loading, failed, entries.length]);

  return (
    <div className={styles.frame}>
      <div
        ref={box}
        className={styles.box}
        role="log"
        aria-live="off"
        aria-label={t.chat.conversation}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
        tabIndex={0}
      >
        <div ref={content} className={styles.content}>
          <div ref={top} className={styles.top}>
            {loading && <span className="visually-hidden">{t.chat.loadingOlder}</span>}
          </div>
          {error && !loading && (
            <div role="alert" className={styles.failed}>
              <p>
                <ErrorText error={error} />
              </p>
              <Button small icon={RotateCcw} onClick={again}>
                {t.common.retry}
              </Button>
            </div>
          )}
          <Groups entries={entries} render={render} />
          {foot}
        </div>
        <div ref={spacer} aria-hidden />
      </div>
      {below && (
        <div className={styles.toEnd}>
          <IconButton
            icon={ArrowDown}
            label={t.chat.toEnd}
            onClick={() => scroller.current?.follow()}
          />
        </div>
      )}
    </div>
  );
}
