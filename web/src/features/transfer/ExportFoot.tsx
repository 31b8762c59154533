import { Download } from "lucide-react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { FormError } from "../../ui/Form";
import styles from "./Transfer.module.css";
import type { Exporting } from "./useExport";

/** What begins an export, how far it has come, and what ends it. */
export function ExportFoot({ exporting }: { exporting: Exporting }) {
  const t = useText();
  const { size } = useFormat();
  const { bytes, error, done, cancel } = exporting;
  const running = bytes !== undefined;
  return (
    <>
      <FormError error={error} />
      <div className={styles.buttons}>
        <Button type="submit" look="primary" icon={Download} pending={running}>
          {t.transfer.download}
        </Button>
        {running && <Button onClick={cancel}>{t.common.cancel}</Button>}
        <span role="status">
          {running ? t.transfer.soFar(size(bytes)) : done && t.transfer.downloaded}
        </span>
      </div>
    </>
  );
}
