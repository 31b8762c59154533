const PATIENCE = 5_000;

const works = new Set<() => Promise<void>>();

/** Has `work` done before a log-out, until the function that it gives is called. */
export function beforeLogOut(work: () => Promise<void>): () => void {
  works.add(work);
  return () => void works.delete(work);
}

/** Does what is left to do; returns when it is done, or has taken five seconds. */
export async function finishWork(): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE);
  });
  const done = Promise.all([...works].map((work) => work()));
  await Promise.race([done, late]).finally(() => clearTimeout(timer));
}
