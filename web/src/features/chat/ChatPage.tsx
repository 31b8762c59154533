/** C: replaces this. The conversation `id`, or a new one. */
export default function ChatPage({ id }: { id: string | undefined }) {
  return <p>{id}</p>;
}
