const lockOf = (id: string) => `parley.note.${id}`;

/** Has other pages know that a note is open here, until the function that it gives is called. */
export function tellOpen(id: string): () => void {
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  void navigator.locks?.request(lockOf(id), { mode: "shared" }, () => closed);
  return close;
}

/**
 * Does `work` with a note that no page of this browser has open. Without locks, as over plain HTTP,
 * nobody knows: it is not done.
 */
export async function unlessOpen(id: string, work: () => Promise<void>): Promise<void> {
  await navigator.locks?.request(lockOf(id), { ifAvailable: true }, (lock) => lock && work());
}

/** Reads a note once that work with it is done, in whichever page. */
export function afterWork<Read>(id: string, read: () => Promise<Read>): Promise<Read> {
  return navigator.locks?.request(lockOf(id), { mode: "shared" }, read) ?? read();
}
