import { useState } from "react";

/** Entries that stand behind one another. */
export interface Group<Entry> {
  key: string;
  entries: readonly Entry[];
}

interface Keyed {
  readonly key: string;
}

const MOST = 8;

/**
 * The entries in groups of a few. What a browser keeps for each part of the page that it passes over costs at every
 * frame; so it passes over groups. An entry stays in its group: in another one it would be drawn anew.
 */
export function useGroups<Entry extends Keyed>(entries: readonly Entry[]): readonly Group<Entry>[] {
  const [groups] = useState(() => new Groups<Entry>());
  return groups.of(entries);
}

class Groups<Entry extends Keyed> {
  #last: { entries: readonly Entry[]; groups: readonly Group<Entry>[] } = {
    entries: [],
    groups: [],
  };
  /** The groups of the entries that were there the last time, by their keys. */
  #known = new Map<string, string>();
  #made = 0;

  of(entries: readonly Entry[]): readonly Group<Entry>[] {
    if (entries === this.#last.entries) return this.#last.groups;
    const first = entries.findIndex(({ key }) => this.#known.has(key));
    const older = first < 0 ? entries.length : first;
    const parts = [...this.#above(entries.slice(0, older)), ...this.#on(entries.slice(older))];
    const groups = parts.map(([key, part]) => ({ key, entries: part }));
    this.#known = new Map(parts.flatMap(([key, part]) => part.map((entry) => [entry.key, key])));
    this.#last = { entries, groups };
    return groups;
  }

  /** Those above all that are known; counted from their end, where more will not come. */
  #above(entries: readonly Entry[]): [string, Entry[]][] {
    const parts: [string, Entry[]][] = [];
    for (let end = entries.length; end > 0; end -= MOST) {
      parts.unshift([this.#next(), entries.slice(Math.max(0, end - MOST), end)]);
    }
    return parts;
  }

  #on(entries: readonly Entry[]): [string, Entry[]][] {
    const parts = new Map<string, Entry[]>();
    const lastKnown = entries.findLastIndex(({ key }) => this.#known.has(key));
    let at = "";
    entries.forEach((entry, index) => {
      const known = this.#known.get(entry.key);
      // What has changed places with others stays where it is now: a group that has ended takes none.
      if (known !== undefined && !parts.has(known)) at = known;
      else if (index > lastKnown && (parts.get(at)?.length ?? 0) >= MOST) at = this.#next();
      const part = parts.get(at);
      if (part === undefined) parts.set(at, [entry]);
      else part.push(entry);
    });
    return [...parts];
  }

  #next(): string {
    this.#made += 1;
    return String(this.#made);
  }
}
