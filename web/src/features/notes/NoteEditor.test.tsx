import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "../../api/errors";
import { queries } from "../../queries";
import { NoteEditor } from "./NoteEditor";
import { server } from "./requests";
import type { Note } from "./saver";

afterEach(cleanup);

test("a text that was changed elsewhere stands in its field, and is written on from there", async () => {
  let note = {
    id: "n",
    title: "A",
    content: "",
    tags: [],
    pinned: false,
    version: 2,
  } as never as Note;
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
