import { type DragEvent, useRef, useState } from "react";

/** Takes the files that are dropped on an element; `over`: some are held over it. */
export function useDrop(onFiles: ((files: readonly File[]) => void) | undefined) {
  const [over, setOver] = useState(false);
  // A child is entered before its parent is left.
  const depth = useRef(0);
  const has = ({ dataTransfer }: DragEvent) => dataTransfer.types.includes("Files");
  const leave = () => {
    depth.current = 0;
    setOver(false);
  };
  return {
    over: over && onFiles !== undefined,
    on: {
      onDragEnter(event: DragEvent) {
        if (!has(event)) return;
        depth.current++;
        setOver(true);
      },
      onDragLeave(event: DragEvent) {
        if (has(event) && --depth.current <= 0) leave();
      },
      onDragOver(event: DragEvent) {
        // Else the browser leaves the page for the file.
        if (has(event)) event.preventDefault();
      },
      onDrop(event: DragEvent) {
        if (!has(event)) return;
        event.preventDefault();
        leave();
        onFiles?.([...event.dataTransfer.files]);
      },
    },
  };
}
