import { useSettings } from "../../session";
import { touch } from "../../ui/touch";

/** Whether Enter alone sends what is typed: as one has set it, and never on a touch screen's keyboard. */
export function useEntersSend(): boolean {
  const { data: settings } = useSettings();
  return (settings?.enter_sends ?? true) && !touch.matches;
}
