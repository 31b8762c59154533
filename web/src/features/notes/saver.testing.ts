import { vi } from "vitest";
import { ApiError } from "../../api/errors";
import { type Note, NoteSaver, type Text } from "./saver";

const first = {
  id: "n",
  title: "Shopping",
  content: "Bread",
  tags: ["home"],
  pinned: false,
  version: 1,
} as Note;

/** A note at a server: others may change it there, and it may be away. */
class Remote {
  note = first;
  away = false;
  gone = false;
  requests: [Partial<Text>, number][] = [];
  gate: Promise<void> | undefined;

  change = async (_: string, change: Partial<Text>, version: number): Promise<Note> => {
    this.requests.push([change, version]);
    await this.gate;
    if (this.away) throw new ApiError({ status: 0 });
    if (version !== this.note.version)
      throw new ApiError({ status: 412, current: this.note } as never);
    return this.byAnother(change);
  };

  read = async (): Promise<Note> => {
    if (this.away) throw new ApiError({ status: 0 });
    if (this.gone) throw new ApiError({ status: 404 });
    return this.note;
  };

  byAnother(change: Partial<Text>): Note {
    this.note = { ...this.note, ...change, version: this.note.version + 1 };
    return this.note;
  }
}

export function open() {
  const remote = new Remote();
  const kept = new Map<string, unknown>();
  const onSaved = vi.fn();
  const saver = new NoteSaver(
    first,
    remote,
    { write: (id, draft) => (draft ? kept.set(id, draft) : kept.delete(id)) },
    onSaved,
  );
  return { remote, kept, onSaved, saver };
}
