import { hangsOnNotes } from "./footnote-rules";
import { decided } from "./incomplete";
import { type Block, parse } from "./parser";

// The next parse comes no sooner than so many times the time the last one took.
const REST = 4;

/**
 * A text that grows, as blocks. A block is frozen once another one follows it: only what comes
 * behind the frozen ones is parsed anew, and a frozen block stays the same object.
 */
export class StreamedDocument {
  #frozen: Block[] = [];
  /** The text that the frozen blocks are of. */
  #past = "";
  #shown: { text: string; open: boolean; blocks: Block[] } = { text: "", open: true, blocks: [] };
  #notBefore = 0;

  /** Milliseconds to wait until an update costs no more than its share of the time. */
  get wait(): number {
    return Math.max(0, this.#notBefore - performance.now());
  }

  get blocks(): readonly Block[] {
    return this.#shown.blocks;
  }

  /** `text` in place of what there was; `open`: more will come. */
  update(text: string, open: boolean): readonly Block[] {
    if (text === this.#shown.text && open === this.#shown.open) return this.blocks;
    const begun = performance.now();
    const normal = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    const blocks = open ? this.#grow(normal) : this.#end(normal);
    this.#shown = { text, open, blocks };
    this.#notBefore = begun + (1 + REST) * (performance.now() - begun);
    return blocks;
  }

  #grow(text: string): Block[] {
    if (!text.startsWith(this.#past)) {
      this.#frozen = [];
      this.#past = "";
    }
    const tail = text.slice(this.#past.length);
    const { blocks } = parse(decided(tail), true);
    const lines = tail.split("\n").length - 1;
    let count = 0;
    // A line that is not complete may still turn out to belong to the block before it.
    while ((blocks[count + 1]?.line ?? lines) < lines) count++;
    if (count > 0) {
      this.#frozen = [...this.#frozen, ...blocks.splice(0, count)];
      this.#past = text.slice(0, this.#past.length + (blocks[0]?.offset ?? 0));
    }
    return [...this.#frozen, ...blocks];
  }

  /** The whole text once more: a link may have been defined behind its use, and a note stands behind its mark. */
  #end(text: string): Block[] {
    const { blocks, hasReferences } = parse(text, false);
    const known = hasReferences ? [] : this.#frozen;
    const same = blocks.map((block, index) => {
      const before = known[index];
      if (before?.source !== block.source) return block;
      return hangsOnNotes(before.tokens) || hangsOnNotes(block.tokens) ? block : before;
    });
    // Should it go on, its last block may, too.
    this.#frozen = [];
    this.#past = "";
    return same;
  }
}
