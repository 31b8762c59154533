import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { Row } from "./Row";
import type { RowActions } from "./rowActions";
import { aSession } from "./tests/aSession";

afterEach(cleanup);

const nothing = () => undefined;
const SESSIONS = ["One", "Two", "Three"].map((title) => aSession(title, { title }));

function Rows() {
  const [sessions, setSessions] = useState(SESSIONS);
  const actions: RowActions = {
    ...{
      open: nothing,
      rename: nothing,
      pin: nothing,
      move: nothing,
      exportIt: nothing,
      choose: nothing,
      stop: async () => undefined,
      archive: nothing,
    },
    ...{ unarchive: nothing, restore: nothing, removeForGood: nothing, hold: nothing },
    remove: (session) => setSessions((all) => all.filter(({ id }) => id !== session.id)),
  };
  const row = {
    ...{ current: false, answering: false, shared: false, focused: false },
    ...{ onFocus: nothing, actions },
  };
  return (
    <nav>
      <button type="button">New chat</button>
      <ul>
        {sessions.map((session) => (
          <Row key={session.id} session={session} {...row} />
        ))}
      </ul>
    </nav>
  );
}

const link = (name: string) => screen.getByRole("link", { name });

test("Delete leaves the focus with the row below, then above, then in the sidebar", () => {
  render(<Rows />);
  link("Two").focus();
  fireEvent.keyDown(link("Two"), { key: "Delete" });
  expect(screen.queryByRole("link", { name: "Two" })).toBeNull();
  expect(document.activeElement).toBe(link("Three"));
  fireEvent.keyDown(link("Three"), { key: "Delete" });
  expect(document.activeElement).toBe(link("One"));
  fireEvent.keyDown(link("One"), { key: "Delete" });
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "New chat" }));
});

test("of a row that is being answered the answer is ended by its mark, once, and the focus stays", async () => {
  let told: () => void = nothing;
  const stop = vi.fn(() => new Promise<void>((resolve) => (told = resolve)));
  const [session] = SESSIONS;
  if (session === undefined) throw new Error("There is none.");
  const row = { session, current: false, shared: false, focused: true, onFocus: nothing };
  const actions = { stop } as unknown as RowActions;
  const rows = (answering: boolean) => (
    <ul>
      <Row {...row} answering={answering} actions={actions} />
    </ul>
  );
  const { rerender } = render(rows(true));
  const button = screen.getByRole<HTMLButtonElement>("button", { name: "Stop the answer in One" });
  button.focus();
  fireEvent.click(button);
  fireEvent.click(button);
  expect(stop.mock.calls).toEqual([[session]]);
  expect(button.disabled).toBe(true);
  expect(document.activeElement).toBe(link("One, answering"));
  await act(async () => told());
  expect(button.disabled).toBe(false);
  rerender(rows(false));
  expect(screen.queryByRole("button", { name: /^Stop/ })).toBeNull();
});

test("a double click on a title renames it", () => {
  render(<Rows />);
  fireEvent.doubleClick(link("Two"));
  expect(screen.getByRole<HTMLInputElement>("textbox", { name: "Title" }).value).toBe("Two");
});
