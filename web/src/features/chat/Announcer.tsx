import { useEffect, useRef, useState } from "react";
import { useText } from "../../i18n";
import { runs, type SessionRun } from "../../stream";
import { wordsIn } from "./excerpt";

/** Says to who cannot see it that an answer has begun, and how it ended: the answer itself is not read out. */
export function Announcer({ run }: { run: SessionRun | undefined }) {
  const t = useText();
  const [said, setSaid] = useState("");
  const live = useRef<string>(undefined);
  useEffect(() => {
    if (run?.live) {
      live.current = run.runId;
      setSaid(t.chat.answering);
    } else if (live.current !== undefined && live.current === run?.runId) {
      live.current = undefined;
      const state = runs.get(run.runId);
      const whole = state === undefined || state.status === "completed";
      setSaid(whole ? t.chat.answered(wordsIn(state?.text ?? "")) : t.chat.endedEarly);
    }
  }, [run, t]);
  return (
    <p role="status" className="visually-hidden">
      {said}
    </p>
  );
}
