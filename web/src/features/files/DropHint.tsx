import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import styles from "./Files.module.css";
import type { Limits } from "./transfer";

/** Says where files that are held over the page would go, and which ones may. */
export default function DropHint({ limits }: { limits: Limits }) {
  const t = useText();
  const { size: sizeText } = useFormat();
  return (
    <div className={styles.drop}>
      <strong>{t.files.drop}</strong>
      <small>{t.files.limits(sizeText(limits.maximum_bytes))}</small>
    </div>
  );
}
