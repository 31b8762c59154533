import { useText } from "../i18n";
import { useSession } from "../session";
import { Spinner } from "../ui/Spinner";
import styles from "./Starting.module.css";

/** Before it is known who is there: nothing for a moment, then that one waits, and for what. */
export function Starting() {
  const t = useText();
  const { unreachable } = useSession();
  return (
    <div className={styles.place}>
      <Spinner size={28} />
      <p role="status">{unreachable && t.errors.OFFLINE}</p>
    </div>
  );
}
