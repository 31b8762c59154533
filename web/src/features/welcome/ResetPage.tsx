import { useText } from "../../i18n";
import { Door } from "./Door";

export default function ResetPage() {
  const t = useText();
  return (
    <Door title={t.welcome.resetTitle} ways={null}>
      {null}
    </Door>
  );
}
