import { useEffect } from "react";
import { notices } from "../../stream";

const BADGE = /^\(\d+\) /;
const ICON = "/icon.svg";
const ICON_NEW = "/icon-new.svg";

/**
 * How many answers were finished while nobody saw the page stands before its title until somebody does,
 * and its icon has a dot.
 */
export function useTitleBadge(): void {
  useEffect(() => countInTitle(notices.listen.bind(notices)), []);
}

/** Counts until the function that it gives is called. */
export function countInTitle(listen: typeof notices.listen): () => void {
  let count = 0;
  const show = () => {
    const bare = document.title.replace(BADGE, "");
    const wanted = count > 0 ? `(${count}) ${bare}` : bare;
    if (document.title !== wanted) document.title = wanted;
    const icon = document.querySelector("link[rel=icon]");
    const href = count > 0 ? ICON_NEW : ICON;
    if (icon !== null && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  };
  // Whatever names the page knows nothing of the count.
  const observer = new MutationObserver(show);
  observer.observe(document.head, { subtree: true, childList: true, characterData: true });
  const onVisible = () => {
    if (document.hidden) return;
    count = 0;
    show();
  };
  document.addEventListener("visibilitychange", onVisible);
  const unlisten = listen(({ topic, change, status }) => {
    if (!document.hidden || topic !== "runs" || change !== "ended" || status === "cancelled")
      return;
    count += 1;
    show();
  });
  return () => {
    unlisten();
    observer.disconnect();
    document.removeEventListener("visibilitychange", onVisible);
    count = 0;
    show();
  };
}
