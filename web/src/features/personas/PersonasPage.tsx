import { useText } from "../../i18n";
import { Page } from "../../ui/Page";

/** D: replaces this. */
export default function PersonasPage() {
  return <Page title={useText().common.personas}>{null}</Page>;
}
