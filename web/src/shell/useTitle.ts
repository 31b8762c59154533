import { useEffect } from "react";
import { useText } from "../i18n";

/** The title of the window while the component is there. */
export function useTitle(title: string): void {
  const { appName } = useText().common;
  useEffect(() => {
    document.title = title ? `${title} · ${appName}` : appName;
  }, [title, appName]);
}
