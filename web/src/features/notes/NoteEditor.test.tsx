import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "../../api/errors";
import { queries } from "../../queries";
import { finishWork } from "../../session/unfinished";
import { NoteEditor } from "./NoteEditor";
import { server } from "./requests";
import type { Note } from "./saver";

const NOTE = {
  id: "n",
  title: "A",
  content: "",
  tags: [],
  pinned: false,
  version: 2,
} as never as Note;

afterEach(cleanup);

test("a log-out waits for what was written in a note that one has just left", async () => {
  let saved: (note: Note) => void = () => undefined;
  vi.spyOn(server, "change").mockReturnValue(new Promise((resolve) => (saved = resolve)));
  const { unmount } = render(
    <QueryClientProvider client={queries}>
      <NoteEditor note={NOTE} />
    </QueryClientProvider>,
  );
  fireEvent.input(screen.getByLabelText("Text"), { target: { value: "last words" } });
  unmount();
  expect(server.change).toHaveBeenCalledExactlyOnceWith("n", { content: "last words" }, 2);
  const finished = vi.fn();
  const finishing = finishWork().then(finished);
  await new Promise((resolve) => setTimeout(resolve));
  expect(finished).not.toHaveBeenCalled();
  saved({ ...NOTE, content: "last words", version: 3 });
  await finishing;
});

test("a text that was changed elsewhere stands in its field, and is written on from there", async () => {
  let note = NOTE;
  vi.spyOn(server, "change").mockImplementation(async (_, change, version) => {
    if (version !== note.version) throw new ApiError({ status: 412, current: note } as never);
    note = { ...note, ...change, version: version + 1 };
    return note;
  });
  render(
    <QueryClientProvider client={queries}>
      <NoteEditor note={note} />
    </QueryClientProvider>,
  );
  const text = () => screen.getByLabelText("Text") as HTMLTextAreaElement;
  fireEvent.input(text(), { target: { value: "typed here" } });
  await vi.waitFor(() => expect(note.content).toBe("typed here"), 5_000);

  note = { ...note, content: "typed here, and on the phone", version: note.version + 1 };
  fireEvent.click(screen.getByRole("button", { name: "Pin" }));
  await vi.waitFor(() => expect(note.pinned).toBe(true), 5_000);
  expect(text().value).toBe("typed here, and on the phone");

  fireEvent.input(text(), { target: { value: `${text().value}!` } });
  await vi.waitFor(() => expect(note.content).toBe("typed here, and on the phone!"), 5_000);
});
