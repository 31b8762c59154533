import { useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { ModelChooser } from "./ModelChooser";
import type { OtherModel } from "./useActions";

/** With which model another answer is to be made. */
export function OtherModelDialog({
  onChoose,
  onClose,
}: {
  onChoose: (other: OtherModel) => void;
  onClose: () => void;
}) {
  const t = useText();
  const [other, setOther] = useState<OtherModel>({});
  return (
    <Dialog
      open
      title={t.chat.regenerateWith}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" onClick={() => onChoose(other)}>
            {t.chat.regenerate}
          </Button>
        </>
      }
    >
      <ModelChooser field keyId={other.key_id} model={other.model} onChange={setOther} />
    </Dialog>
  );
}
