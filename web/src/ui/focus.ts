import { type RefObject, useEffect, useRef } from "react";

/** Where an element stands, from the inside out. */
type Place = { parent: Element; at: number };

const FOCUSABLE =
  ":is(a[href], button, input:not([type=hidden]), textarea, select, [tabindex]):not(:disabled, [tabindex='-1'])";

export function placesOf(element: Element): Place[] {
  const places: Place[] = [];
  for (let one = element; one.parentElement !== null; one = one.parentElement)
    places.push({ parent: one.parentElement, at: [...one.parentElement.children].indexOf(one) });
  return places;
}

/** Focuses what has come to where an element stood that is gone, else what is nearest of all that is left around it. */
export function focusNear(places: readonly Place[]): void {
  for (const { parent, at } of places) {
    if (!parent.isConnected) continue;
    const beside = parent.children[at] ?? lastOf(parent.lastElementChild);
    const found = beside?.matches(FOCUSABLE) ? beside : beside?.querySelector(FOCUSABLE);
    const to = found ?? parent.querySelector(FOCUSABLE);
    if (!(to instanceof HTMLElement)) continue;
    to.focus();
    return;
  }
}

/** Of a list its last row: what stood behind it was nearest to that. */
function lastOf(element: Element | null): Element | null {
  return element?.matches("ul, ol") ? element.lastElementChild : element;
}

/**
 * Keeps the focus in the element that has the ref: once what had it is gone, such as the row of a list, it is at
 * what has come to its place. What has it in a dialog is left to the dialog.
 */
export function useFocusKept<Kept extends HTMLElement>(): RefObject<Kept | null> {
  const kept = useRef<Kept>(null);
  useEffect(() => {
    const element = kept.current;
    if (element === null) return;
    let last: { focused: Element; places: Place[] } | undefined;
    const onFocusIn = ({ target }: FocusEvent) => {
      if (!(target instanceof Element) || target.closest("dialog")) return;
      last = { focused: target, places: placesOf(target) };
    };
    const onFocusOut = ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget instanceof Node && !element.contains(relatedTarget)) last = undefined;
    };
    const changes = new MutationObserver(() => {
      if (last === undefined || last.focused.isConnected) return;
      if (document.activeElement === document.body) focusNear(last.places);
    });
    element.addEventListener("focusin", onFocusIn);
    element.addEventListener("focusout", onFocusOut);
    changes.observe(element, { childList: true, subtree: true });
    return () => {
      element.removeEventListener("focusin", onFocusIn);
      element.removeEventListener("focusout", onFocusOut);
      changes.disconnect();
    };
  }, []);
  return kept;
}
