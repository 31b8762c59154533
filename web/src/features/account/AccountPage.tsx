import { useText } from "../../i18n";
import { Page } from "../../ui/Page";

export default function AccountPage() {
  return <Page title={useText().common.account}>{null}</Page>;
}
