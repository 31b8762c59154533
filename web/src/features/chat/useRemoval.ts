import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import type { ComposerHandle } from "./Composer";
import type { Entry } from "./entries";
import type { Message } from "./messages";
import { moveTo, placeOf } from "./moves";

/**
 * The message that somebody asks to delete. Once it is gone from the log, the focus is at what stands in its place
 * then, else at the message before it, else where one writes.
 */
export function useRemoval(
  root: RefObject<HTMLElement | null>,
  composer: RefObject<ComposerHandle | null>,
  entries: readonly Entry[],
) {
  const [removing, setRemoving] = useState<Message>();
  const asked = useRef<{ id: string; at: number }>(undefined);
  const ask = useCallback(
    (message: Message) => {
      asked.current = { id: message.id, at: placeOf(root.current, message.id) };
      setRemoving(message);
    },
    [root],
  );
  const close = (isDeleted: boolean) => {
    if (!isDeleted) asked.current = undefined;
    setRemoving(undefined);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew with each of them
  useEffect(() => {
    if (asked.current === undefined || removing !== undefined) return;
    if (placeOf(root.current, asked.current.id) >= 0) return;
    if (!moveTo(root.current, asked.current.at)) composer.current?.focus();
    asked.current = undefined;
  }, [entries, removing]);
  return { removing, ask, close };
}
