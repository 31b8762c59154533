import { useSyncExternalStore } from "react";
import { useText } from "../i18n";
import styles from "./OfflineBanner.module.css";

function subscribe(listener: () => void) {
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
}

/** Says that the device has no network, as long as it has none: over the page, which stays where it is. */
export function OfflineBanner() {
  const t = useText();
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div role="status" className={styles.place}>
      {!online && <p className={styles.banner}>{t.common.offline}</p>}
    </div>
  );
}
