import { memo, PureComponent, useEffect, useId, useReducer, useState } from "react";
import { useText } from "../i18n";
import { StreamedDocument } from "./document";
import { BlockView } from "./elements";
import { NoteIds } from "./footnotes";
import { FirstLevel, firstLevel } from "./heading";
import styles from "./markdown.module.css";
import type { Block } from "./parser";

/**
 * A Markdown text. While it is `open` it may grow at any rate: it is parsed as often as that takes
 * a fifth of the time at most, and what is finished of it stays untouched.
 */
export function Markdown({ text, open = false }: { text: string; open?: boolean }) {
  const all = useBlocks(text, open);
  const id = useId();
  const notes = all.filter(isNote);
  const blocks = notes.length === 0 ? all : all.filter((block) => !isNote(block));
  const groups = Math.ceil(blocks.length / GROUP);
  return (
    <FirstLevel value={firstLevel(blocks)}>
      <NoteIds value={id}>
        <div className={styles.text}>
          {Array.from({ length: groups }, (_, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: blocks are told apart by their place alone
            <Group key={at} blocks={blocks.slice(at * GROUP, (at + 1) * GROUP)} />
          ))}
          {notes.length > 0 && <Notes blocks={notes} />}
        </div>
      </NoteIds>
    </FirstLevel>
  );
}

const isNote = ({ note }: Block) => note !== undefined;

/** The notes of a text, by their numbers; while they have none, as they came. */
function Notes({ blocks }: { blocks: readonly Block[] }) {
  const t = useText();
  const numberOf = ({ note }: Block) => note?.number ?? 0;
  const sorted = blocks.toSorted((one, other) => numberOf(one) - numberOf(other));
  return (
    <section className={styles.notes} role="doc-endnotes" aria-label={t.chat.footnotes}>
      <ol>
        <Group blocks={sorted} />
      </ol>
    </section>
  );
}

// So many blocks are passed over at once where none of them has changed.
const GROUP = 16;

const Group = memo(
  function Group({ blocks }: { blocks: readonly Block[] }) {
    return blocks.map((block, at) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: blocks are told apart by their place alone
      <Guard key={at} block={block} />
    ));
  },
  (before, after) =>
    before.blocks.length === after.blocks.length &&
    before.blocks.every((block, at) => block === after.blocks[at]),
);

function useBlocks(text: string, open: boolean): readonly Block[] {
  const [document] = useState(() => new StreamedDocument());
  const [, again] = useReducer((count: number) => count + 1, 0);
  const wait = open ? document.wait : 0;
  const blocks = wait > 0 ? document.blocks : document.update(text, open);
  useEffect(() => {
    if (wait <= 0) return;
    const timer = setTimeout(again, wait);
    return () => clearTimeout(timer);
    // Mostly there is nothing to wait for: an effect costs as much as what it is behind.
  }, [wait]);
  return blocks;
}

interface GuardProps {
  block: Block;
}

/** A block, drawn anew only when it is another one; one that cannot be drawn is shown as it was written. */
class Guard extends PureComponent<GuardProps, { block: Block; failed: boolean }> {
  override state = { block: this.props.block, failed: false };

  static getDerivedStateFromProps({ block }: GuardProps, state: { block: Block }) {
    return block === state.block ? null : { block, failed: false };
  }

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    const { block } = this.props;
    if (this.state.failed) return <p className={styles.plain}>{block.source}</p>;
    return <BlockView block={block} />;
  }
}
