import type { ReactNode } from "react";

/** B: replaces this. `toggle` shuts the sidebar; `onNavigate` is called when one goes somewhere. */
export function Sidebar({ toggle }: { onNavigate: () => void; toggle: ReactNode }) {
  return <div style={{ flex: 1 }}>{toggle}</div>;
}
