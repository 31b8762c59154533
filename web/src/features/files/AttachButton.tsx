import { Paperclip } from "lucide-react";
import { useRef } from "react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { IconButton } from "../../ui/IconButton";
import type { Limits } from "./transfer";

/** Chooses files; what may be chosen is said at the button, and the browser is told. */
export function AttachButton({
  limits,
  onFiles,
}: {
  limits: Limits;
  onFiles: (files: readonly File[]) => void;
}) {
  const t = useText();
  const { size: sizeText } = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const hint = t.files.limits(sizeText(limits.maximum_bytes));
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={limits.kinds.flatMap(({ extensions }) => extensions).join(",")}
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          // So that the same one can be chosen again.
          currentTarget.value = "";
        }}
      />
      <IconButton
        icon={Paperclip}
        label={t.files.attach}
        title={`${t.files.attach}: ${hint}`}
        onClick={() => input.current?.click()}
      />
    </>
  );
}
