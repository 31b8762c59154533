import { useState } from "react";
import { useText } from "../../i18n";
import { TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { midnight } from "../../ui/midnight";
import { Section } from "../../ui/Section";
import { Switch } from "../../ui/Switch";
import { ExportFoot } from "./ExportFoot";
import { FilesSwitch } from "./FilesSwitch";
import { type Format, FormatSelect } from "./FormatSelect";
import styles from "./Transfer.module.css";
import { useExport } from "./useExport";

/** All of one's conversations as a file, or those of some days. */
export function Export() {
  const t = useText().transfer;
  const [format, setFormat] = useState<Format>("json");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [more, setMore] = useState(true);
  const [files, setFiles] = useState(false);
  const [gzip, setGzip] = useState(false);
  const exporting = useExport();
  const along = [
    ...(more && format === "json" ? ["notes", "personas"] : []),
    ...(files ? ["files"] : []),
  ];
  const query = new URLSearchParams({
    format,
    // A zip is packed as it is.
    ...(gzip && !files && { gzip: "true" }),
    ...(from && { from: midnight(from, 0) }),
    ...(to && { to: midnight(to, 1) }),
    ...(along.length > 0 && { with: along.join(",") }),
  });
  return (
    <Section title={t.export} hint={t.exportHint}>
      <Form label={t.export} onSubmit={() => void exporting.start(`/api/v1/chat/export?${query}`)}>
        <FormatSelect format={format} onChange={setFormat} />
        <div className={styles.days}>
          <TextField
            label={t.from}
            type="date"
            value={from}
            onChange={({ target }) => setFrom(target.value)}
          />
          <TextField
            label={t.to}
            hint={t.daysHint}
            type="date"
            value={to}
            onChange={({ target }) => setTo(target.value)}
          />
        </div>
        {format === "json" && <Switch label={t.more} checked={more} onChange={setMore} />}
        <FilesSwitch checked={files} onChange={setFiles} />
        {!files && <Switch label={t.gzip} hint={t.gzipHint} checked={gzip} onChange={setGzip} />}
        <ExportFoot exporting={exporting} />
      </Form>
    </Section>
  );
}
