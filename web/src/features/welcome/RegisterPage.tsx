import { useText } from "../../i18n";
import { Door } from "./Door";

export default function RegisterPage() {
  const t = useText();
  return (
    <Door title={t.welcome.registerTitle} ways={null}>
      {null}
    </Door>
  );
}
