import { type RefObject, useCallback, useEffect, useState } from "react";
import { readStored, writeStored } from "../ui/storage";

/** The id of the button that opens the sidebar. */
export const OPENER = "open-sidebar";

/** Of browsers that have it; TypeScript's library does not name it yet. */
declare class CloseWatcher {
  onclose: (() => void) | null;
  destroy(): void;
}

const NARROW = "(max-width: 767px)";

/**
 * Whether the sidebar is open, and whether it lies over the page, as on a phone. Beside the page
 * it is as it was last left; over the page it starts shut, takes the focus, and gives it back.
 */
export function useDrawer(side: RefObject<HTMLElement | null>) {
  const [over, setOver] = useState(() => matchMedia(NARROW).matches);
  const [beside, setBeside] = useState(() => readStored("sidebar") !== "shut");
  const [above, setAbove] = useState(false);

  useEffect(() => {
    const narrow = matchMedia(NARROW);
    const onChange = () => {
      setOver(narrow.matches);
      setAbove(false);
    };
    narrow.addEventListener("change", onChange);
    return () => narrow.removeEventListener("change", onChange);
  }, []);

  useEffect(() => {
    if (!over || !above) return;
    side.current?.querySelector<HTMLElement>("a, button")?.focus();
    return () => document.getElementById(OPENER)?.focus();
  }, [over, above, side]);

  // By what a device goes back with, the drawer is shut, and the page stays.
  useEffect(() => {
    if (!over || !above || !("CloseWatcher" in window)) return;
    const watcher = new CloseWatcher();
    watcher.onclose = () => setAbove(false);
    return () => watcher.destroy();
  }, [over, above]);

  const setOpen = useCallback(
    (open: boolean) => {
      if (over) return setAbove(open);
      setBeside(open);
      writeStored("sidebar", open ? null : "shut");
    },
    [over],
  );

  return { over, open: over ? above : beside, setOpen };
}
