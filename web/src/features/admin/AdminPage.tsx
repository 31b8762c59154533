import { useText } from "../../i18n";
import { Page } from "../../ui/Page";

export default function AdminPage(_: { part: string | undefined }) {
  return <Page title={useText().common.admin}>{null}</Page>;
}
