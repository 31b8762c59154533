import { useState } from "react";
import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { Dialog } from "../../ui/Dialog";
import { Form } from "../../ui/Form";
import { titleOf } from "../sidebar/titleOf";
import { ExportFoot } from "./ExportFoot";
import { FilesSwitch } from "./FilesSwitch";
import { type Format, FormatSelect } from "./FormatSelect";
import { useExport } from "./useExport";

/** One conversation as a file that bears its title. */
export default function ExportDialog({
  session,
  onClose,
}: {
  session: Schema<"Session">;
  onClose: () => void;
}) {
  const t = useText();
  const [format, setFormat] = useState<Format>("markdown");
  const [files, setFiles] = useState(false);
  const exporting = useExport();
  const query = new URLSearchParams({ format, ...(files && { with: "files" }) });
  const path = `/api/v1/chat/sessions/${encodeURIComponent(session.id)}/export?${query}`;
  return (
    <Dialog open onClose={onClose} title={t.transfer.exportChat}>
      <Form onSubmit={() => void exporting.start(path, fileName(titleOf(session)))}>
        <FormatSelect format={format} onChange={setFormat} />
        <FilesSwitch checked={files} onChange={setFiles} />
        <ExportFoot exporting={exporting} />
      </Form>
    </Dialog>
  );
}

/** What no file system refuses in a name; nothing where nothing is left of it. */
export function fileName(title: string): string | undefined {
  const name = title
    .replace(/[\p{C}\\/:*?"<>|.]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return [...name].slice(0, 80).join("").trim() || undefined;
}
