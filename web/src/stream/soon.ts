/** So often a page that nobody sees is brought up to date. */
const HIDDEN = 250;

/** Runs `work` with the next frame that is painted; a hidden page has none. */
export function soon(work: () => void): void {
  if (typeof document === "undefined" || document.hidden) setTimeout(work, HIDDEN);
  else requestAnimationFrame(work);
}
