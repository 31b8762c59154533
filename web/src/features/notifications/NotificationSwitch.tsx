import { useState } from "react";
import { useText } from "../../i18n";
import { Switch } from "../../ui/Switch";
import { canNotify, isWished, wish } from "./wish";

/** Whether this device tells of answers. The browser asks for its part at the press alone. */
export function NotificationSwitch() {
  const t = useText();
  const [wished, setWished] = useState(isWished);
  const [refused, setRefused] = useState(false);
  if (!canNotify()) return null;
  async function change(on: boolean) {
    const shown = await wish(on ? t.account.notificationsOn : undefined);
    setWished(shown);
    setRefused(on && !shown);
  }
  return (
    <>
      <Switch
        label={t.account.notifications}
        hint={t.account.notificationsHint}
        checked={wished}
        onChange={(on) => void change(on)}
      />
      <div role="alert">{refused && t.account.notificationsRefused}</div>
    </>
  );
}
