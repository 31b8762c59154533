import { segments } from "./segments";

/** A text with what was searched marked in it; `hits` count code points, as the server does. */
export function Marked({ text, hits }: { text: string; hits: readonly (readonly number[])[] }) {
  return segments(text, hits).map((piece, at) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name
    piece.hit ? <mark key={at}>{piece.text}</mark> : <span key={at}>{piece.text}</span>,
  );
}
