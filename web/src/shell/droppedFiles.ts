/** A file that is dropped where nothing takes it does not take the place of the page, as browsers would have it. */
export function keepPageFromDroppedFiles(): void {
  addEventListener("dragover", refuse);
  addEventListener("drop", refuse);
}

function refuse(event: DragEvent): void {
  if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}
