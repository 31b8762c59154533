import { Component, type ReactNode } from "react";
import { useText } from "../i18n";
import { Button } from "../ui/Button";
import styles from "./Starting.module.css";

interface Props {
  children: ReactNode;
  /** Where one is: another address is another try. */
  at?: string;
}

/** Where a component broke, this part of the page says so; the rest stays. */
export class ErrorBoundary extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override componentDidUpdate({ at }: Props) {
    if (this.state.broken && at !== this.props.at) this.setState({ broken: false });
  }

  override render() {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const t = useText();
  return (
    <div role="alert" className={styles.place}>
      <p>{t.common.broken}</p>
      <Button look="primary" onClick={() => location.reload()}>
        {t.common.reload}
      </Button>
    </div>
  );
}
