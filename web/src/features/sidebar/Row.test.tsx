import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test } from "vitest";
import { Row, type RowActions } from "./Row";
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
