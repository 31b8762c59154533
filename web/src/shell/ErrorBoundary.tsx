import { Component, type ReactNode } from "react";
import { useText } from "../i18n";
import { Button } from "../ui/Button";
import styles from "./Starting.module.css";

/** Where a component broke, this part of the page says so; the rest stays. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
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
