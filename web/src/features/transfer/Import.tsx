import { useQuery } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { useRef, useState, useSyncExternalStore } from "react";
import { api, ok } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { FormError } from "../../ui/Form";
import { LoadError } from "../../ui/LoadError";
import { Rows, Section } from "../../ui/Section";
import { ImportRow } from "./ImportRow";
import { importUpload } from "./importUpload";
import styles from "./Transfer.module.css";
import { useImports } from "./useImports";

/** Conversations of Parley and of others brought here: by a file, dropped or chosen, and what came of each. */
export function Import() {
  const t = useText();
  const { size, percent } = useFormat();
  const chooser = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const { sent, error } = useSyncExternalStore(importUpload.subscribe, importUpload.state);
  const imports = useImports();
  const limits = useQuery({
    queryKey: ["import-limits"],
    queryFn: ({ signal }) => ok(api.GET("/api/v1/chat/imports/limits", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const most = limits.data?.maximum_bytes;
  const [tooLarge, setTooLarge] = useState(false);

  function take(files: FileList | null) {
    const file = files?.[0];
    if (file === undefined || sent !== undefined) return;
    setTooLarge(most !== undefined && file.size > most);
    if (most === undefined || file.size <= most) void importUpload.start(file);
  }

  return (
    <Section title={t.transfer.import} hint={t.transfer.importHint}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a file may be dropped here; the button does the same */}
      <div
        className={styles.drop}
        data-over={over || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          take(event.dataTransfer.files);
        }}
      >
        <input
          ref={chooser}
          type="file"
          hidden
          aria-label={t.transfer.chooseFile}
          accept=".json,.zip,.gz"
          onChange={({ target }) => {
            take(target.files);
            // The same one may be chosen again.
            target.value = "";
          }}
        />
        <Button icon={Upload} pending={sent !== undefined} onClick={() => chooser.current?.click()}>
          {t.transfer.chooseFile}
        </Button>
        <span className={styles.hint}>
          {most === undefined ? t.transfer.dropHint : t.transfer.dropHintUpTo(size(most))}
        </span>
      </div>
      {sent && (
        <div className={styles.buttons}>
          <progress value={sent.done} aria-label={t.transfer.uploading(sent.name)} />
          <span role="status">{t.transfer.uploaded(percent(sent.done))}</span>
          <Button onClick={importUpload.cancel}>{t.common.cancel}</Button>
        </div>
      )}
      <div role="alert">{tooLarge && most !== undefined && t.transfer.tooLarge(size(most))}</div>
      <FormError error={error} />
      <LoadError of={[imports]} />
      <Rows label={t.transfer.imports}>
        {imports.data?.items.map((one) => (
          <ImportRow key={one.id} one={one} />
        ))}
      </Rows>
    </Section>
  );
}
