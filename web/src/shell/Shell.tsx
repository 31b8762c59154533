import { PanelLeft } from "lucide-react";
import { type ReactNode, useCallback, useRef } from "react";
import { Sidebar } from "../features/sidebar/Sidebar";
import { useText } from "../i18n";
import { IconButton } from "../ui/IconButton";
import { useKeys } from "../ui/useKey";
import { OfflineBanner } from "./OfflineBanner";
import styles from "./Shell.module.css";
import { UserMenu } from "./UserMenu";
import { OPENER, useDrawer } from "./useDrawer";
import { useKeyboardRoom } from "./useKeyboardRoom";
import { useSwipeAway } from "./useSwipeAway";

/**
 * The sidebar and the page beside it; on a phone the sidebar is a drawer over the page.
 * While the sidebar is shut the page leaves `--sidebar-button` at its top left for the way back.
 */
export function Shell({ children }: { children: ReactNode }) {
  const t = useText();
  const shell = useRef<HTMLDivElement>(null);
  const side = useRef<HTMLElement>(null);
  const { open, over, setOpen } = useDrawer(side);
  const shut = useCallback(() => setOpen(false), [setOpen]);
  const left = useCallback(() => over && setOpen(false), [over, setOpen]);
  useKeyboardRoom(shell);
  useSwipeAway(side, over && open ? shut : undefined);
  useKeys({
    Escape: over && open ? shut : undefined,
    "Mod+Shift+s": () => setOpen(!open),
  });

  return (
    <div ref={shell} className={styles.shell} data-open={open} data-over={over}>
      <a className={styles.skip} href="#main">
        {t.common.skipToMain}
      </a>
      <aside ref={side} className={styles.side} inert={!open}>
        <Sidebar
          onNavigate={left}
          toggle={<IconButton icon={PanelLeft} label={t.common.closeSidebar} onClick={shut} />}
        />
        <UserMenu onNavigate={left} />
      </aside>
      {over && open && <div aria-hidden className={styles.shade} onPointerDown={shut} />}
      <main id="main" tabIndex={-1} className={styles.main} inert={over && open}>
        <OfflineBanner />
        <div className={styles.page}>
          {!open && (
            <div className={styles.opener}>
              <IconButton
                id={OPENER}
                icon={PanelLeft}
                label={t.common.openSidebar}
                onClick={() => setOpen(true)}
              />
            </div>
          )}
          {children}
        </div>
      </main>
    </div>
  );
}
