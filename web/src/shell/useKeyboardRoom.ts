import { type RefObject, useEffect } from "react";

// What is less than this are the browser's own bars.
const LEAST_KEYBOARD = 120;
// Keyboards come up step by step; a page that follows each step is what makes them stutter.
const SETTLED_MS = 150;

/**
 * Keeps `shell` in what the keyboard of a phone leaves, where the browser lays its keyboard over
 * the page instead of making the window smaller, as Safari does.
 */
export function useKeyboardRoom(shell: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const seen = window.visualViewport;
    if (!seen) return;
    let timer: ReturnType<typeof setTimeout>;

    function fit() {
      if (shell.current === null || !seen) return;
      // Zoomed in one sees a part of the page, and there is no keyboard in that.
      const covered = seen.scale > 1.01 ? 0 : innerHeight - seen.height;
      if (covered > LEAST_KEYBOARD) {
        shell.current.style.height = `${seen.height}px`;
        // The page was pushed up to show what is written; it all fits now.
        window.scrollTo(0, 0);
      } else shell.current.style.removeProperty("height");
    }

    function settle() {
      clearTimeout(timer);
      timer = setTimeout(fit, SETTLED_MS);
    }
    seen.addEventListener("resize", settle);
    return () => {
      clearTimeout(timer);
      seen.removeEventListener("resize", settle);
    };
  }, [shell]);
}
