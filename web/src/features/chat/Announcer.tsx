import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useText } from "../../i18n";
import { runs, type SessionRun } from "../../stream";
import { wordsIn } from "./excerpt";

/** Says to who cannot see it that an answer has begun, and how it ended: the answer itself is not read out. */
export function Announcer({ run }: { run: SessionRun | undefined }) {
  const t = useText();
  const [said, setSaid] = useState("");
  const live = useRef<string>(undefined);
  const runId = run?.live ? run.runId : undefined;
  // Before the end can be told.
  useLayoutEffect(() => {
    if (runId === undefined) return;
    live.current = runId;
    setSaid(t.chat.answering);
  }, [runId, t]);
  // A notice may tell of the end before the last words are here.
  useEffect(
    () =>
      runs.onEnd((state) => {
        if (state.runId !== live.current) return;
        live.current = undefined;
        if (state.status === "gone") setSaid("");
        else if (state.status === "completed") setSaid(t.chat.answered(wordsIn(state.text)));
        else setSaid(t.chat.endedEarly);
      }),
    [t],
  );
  return (
    <p role="status" className="visually-hidden">
      {said}
    </p>
  );
}
