import { errorText } from "../api";
import type { Texts } from "../i18n";
import { copy } from "../markdown/clipboard";
import { requestIdOf } from "./ErrorText";
import { toast } from "./toast";

/** Says what was refused; of a fault of the server's it offers the request's id, for the operator. */
export function tell(error: unknown, t: Texts): void {
  const id = requestIdOf(error);
  const copyId = () =>
    void copy({ text: id ?? "" }).then(
      () => toast.show({ text: t.common.copied }),
      () => toast.show({ text: t.common.requestId(id ?? ""), tone: "danger", seconds: 30 }),
    );
  toast.show({
    text: errorText(error, t),
    tone: "danger",
    ...(id && { action: { label: t.common.copyRequestId, run: copyId } }),
  });
}
