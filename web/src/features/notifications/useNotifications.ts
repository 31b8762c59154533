import { useEffect } from "react";
import { useLocation } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { notices } from "../../stream";
import { notifyOfAnswers } from "./answers";

/** Tells of answers that nobody saw end, where that is wished. */
export function useNotifications(): void {
  const t = useText();
  const [, navigate] = useLocation();
  useEffect(() => {
    const say = (failed: boolean) => (failed ? t.account.answerFailed : t.account.answerReady);
    return notifyOfAnswers(notices.listen.bind(notices), say, (id) => navigate(routes.chat(id)));
  }, [t, navigate]);
}
