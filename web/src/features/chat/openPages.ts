import { newKey } from "../../stream";
import { readInTab, writeInTab } from "../../ui/storage";

const NAME = "page";

/** This page among all of this browser. */
export const thisPage = newKey();

const lockOf = (page: string) => `parley.${NAME}.${page}`;
// Held until the page is gone, however it goes.
navigator.locks?.request(lockOf(thisPage), () => new Promise(() => undefined));

/** The page that this one takes the place of in its tab: it may be on its way out yet. */
function pageBefore(): string | null {
  const page = readInTab(NAME);
  writeInTab(NAME, thisPage);
  return page;
}

const before = pageBefore();
const { held } = (await navigator.locks?.query()) ?? {};
const names = new Set(held?.map(({ name }) => name));

/**
 * Whether a page is open, as it was when this one began. Without locks, as over plain HTTP, none but this
 * one is known to be.
 */
export const isOpen = (page: string) =>
  page === thisPage || (page !== before && names.has(lockOf(page)));
