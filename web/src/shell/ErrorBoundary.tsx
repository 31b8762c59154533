import { Check, Copy } from "lucide-react";
import { Component, type ReactNode, useState } from "react";
import { ApiError } from "../api";
import { useText } from "../i18n";
import { copy } from "../markdown/clipboard";
import { Button } from "../ui/Button";
import { toast } from "../ui/toast";
import styles from "./Starting.module.css";

interface Props {
  children: ReactNode;
  /** Where one is: another address is another try. */
  at?: string;
}

/** Where a component broke, this part of the page says so; the rest stays. */
export class ErrorBoundary extends Component<Props, { broken: boolean; error?: unknown }> {
  override state: { broken: boolean; error?: unknown } = { broken: false };

  static getDerivedStateFromError(error: unknown) {
    return { broken: true, error };
  }

  override componentDidUpdate({ at }: Props) {
    if (this.state.broken && at !== this.props.at) this.setState({ broken: false });
  }

  override render() {
    return this.state.broken ? <Broken error={this.state.error} /> : this.props.children;
  }
}

function Broken({ error }: { error: unknown }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  const copyDetails = () =>
    copy({ text: detailsOf(error) }).then(
      () => setCopied(true),
      () => toast.show({ text: t.common.notCopied, tone: "danger" }),
    );
  return (
    <div role="alert" className={styles.place}>
      <p>{t.common.broken}</p>
      <Button look="primary" onClick={() => location.reload()}>
        {t.common.reload}
      </Button>
      <Button look="quiet" icon={copied ? Check : Copy} onClick={() => void copyDetails()}>
        {copied ? t.common.copied : t.common.copyDetails}
      </Button>
    </div>
  );
}

/** What whoever mends it has to know; of the address the page alone, since more of it may be a secret. */
function detailsOf(error: unknown): string {
  const page = `/${location.pathname.split("/")[1] ?? ""}`;
  const what = error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : error;
  const lines = [`${new Date().toISOString()} ${page}`, navigator.userAgent, String(what)];
  if (error instanceof ApiError && error.requestId) lines.push(`Request ${error.requestId}`);
  return lines.join("\n");
}
