/** Puts the cursor to where one writes, if there is such a place on this page. */
export function focusComposer(): boolean {
  const composer = document.getElementById("composer");
  composer?.focus();
  return composer !== null;
}
