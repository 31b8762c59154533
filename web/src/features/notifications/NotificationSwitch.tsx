import { useState } from "react";
import { useText } from "../../i18n";
import { Switch } from "../../ui/Switch";
import { canNotify, isWished, type Outcome, wish } from "./wish";

const atFirst = (): Outcome => (!canNotify() ? "impossible" : isWished() ? "on" : "off");

/** Whether this device tells of answers. The browser asks for its part at the press alone. */
export function NotificationSwitch() {
  const t = useText();
  const [outcome, setOutcome] = useState(atFirst);
  return (
    <>
      <Switch
        label={t.account.notifications}
        hint={outcome !== "impossible" && t.account.notificationsHint}
        checked={outcome === "on"}
        disabled={outcome === "impossible"}
        onChange={async (on) => setOutcome(await wish(on ? t.account.notificationsOn : undefined))}
      />
      <div role="alert">
        {outcome === "refused" && t.account.notificationsRefused}
        {outcome === "impossible" && t.account.notificationsImpossible}
      </div>
    </>
  );
}
