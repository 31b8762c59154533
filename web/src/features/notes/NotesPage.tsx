import { useText } from "../../i18n";
import { Page } from "../../ui/Page";

/** D: replaces this. */
export default function NotesPage(_: { id: string | undefined }) {
  return <Page title={useText().common.notes}>{null}</Page>;
}
