import { useText } from "../../i18n";
import { Page } from "../../ui/Page";

/** D: replaces this. */
export default function KeysPage() {
  return <Page title={useText().common.keys}>{null}</Page>;
}
