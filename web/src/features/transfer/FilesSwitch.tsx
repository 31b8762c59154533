import { useQuery } from "@tanstack/react-query";
import { useText } from "../../i18n";
import { Switch } from "../../ui/Switch";
import { limitsQuery } from "../files/transfer";

/** Whether files go along; there is nothing to choose where none are kept. */
export function FilesSwitch({
  checked,
  onChange,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  const t = useText().transfer;
  const { data: limits } = useQuery(limitsQuery);
  if (!limits?.offered) return null;
  return <Switch label={t.files} hint={t.filesHint} checked={checked} onChange={onChange} />;
}
