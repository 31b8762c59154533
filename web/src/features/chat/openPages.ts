import { newKey } from "../../stream";

const NAME = "parley.page";

/** This page among all of this browser. */
export const thisPage = newKey();

const lockOf = (page: string) => `${NAME}.${page}`;
// Held until the page is gone, however it goes.
navigator.locks?.request(lockOf(thisPage), () => new Promise(() => undefined));

/** The page that this one takes the place of in its tab: it may be on its way out yet. */
function pageBefore(): string | null {
  try {
    const page = sessionStorage.getItem(NAME);
    sessionStorage.setItem(NAME, thisPage);
    return page;
  } catch {
    // Storage may be closed to a page.
    return null;
  }
}

/**
 * Tells whether a page is open, as it was when this one began. Without locks, as over plain HTTP, none
 * but this one is known to be.
 */
export async function openPages(): Promise<(page: string) => boolean> {
  const before = pageBefore();
  const { held } = (await navigator.locks?.query()) ?? {};
  const names = new Set(held?.map(({ name }) => name));
  return (page) => page === thisPage || (page !== before && names.has(lockOf(page)));
}

/** Forgets which page this tab has: who was here has gone. */
export function forgetPage(): void {
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Nothing was stored, then.
  }
}
