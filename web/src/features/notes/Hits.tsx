/** A text with what was searched marked in it; `hits` count code points, as the server does. */
export function Hits({ text, hits }: { text: string; hits: readonly (readonly unknown[])[] }) {
  const points = [...text];
  const cut = (from: number, to: number) => points.slice(from, to).join("");
  let at = 0;
  const pieces = hits.map((hit) => {
    const [start, end] = hit as [number, number];
    const piece = { at: start, before: cut(at, start), hit: cut(start, end) };
    at = end;
    return piece;
  });
  return (
    <>
      {pieces.map((piece) => (
        <span key={piece.at}>
          {piece.before}
          <mark>{piece.hit}</mark>
        </span>
      ))}
      {cut(at, points.length)}
    </>
  );
}
