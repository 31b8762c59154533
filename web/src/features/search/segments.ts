export interface Segment {
  text: string;
  hit: boolean;
}

/** A text in pieces, those that were searched for marked. Places are counted in code points. */
export function segments(text: string, hits: readonly (readonly number[])[]): Segment[] {
  const characters = [...text];
  const pieces: Segment[] = [];
  let at = 0;
  const put = (until: number, hit: boolean) => {
    const piece = characters.slice(at, until).join("");
    if (piece) pieces.push({ text: piece, hit });
    at = Math.max(at, until);
  };
  for (const [from = 0, until = 0] of hits) {
    put(from, false);
    put(until, true);
  }
  put(characters.length, false);
  return pieces;
}
