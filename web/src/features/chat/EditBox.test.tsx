import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { EditBox } from "./EditBox";

// Loaded when it is needed, which on a busy machine takes longer than a test waits.
beforeAll(async () => void (await import("../files/KeptFiles")), 30_000);
afterEach(cleanup);

const file = (id: string, more = {}) => ({
  id,
  name: `${id}.txt`,
  kind: "text",
  size: 4,
  ...more,
});

function setUp() {
  const onSubmit = vi.fn(async () => true);
  const onClose = vi.fn();
  const files = [file("a"), file("b"), file("c", { deleted: true })];
  render(
    <EditBox id="m" text="What?" files={files} label="Ask" onSubmit={onSubmit} onClose={onClose} />,
  );
  return { onSubmit, onClose };
}

it("takes files off the question, and asks with those that are left", async () => {
  const { onSubmit, onClose } = setUp();
  fireEvent.click(await screen.findByRole("button", { name: "Remove a.txt" }));
  expect(screen.queryByText("a.txt")).toBeNull();
  expect(screen.queryByText("c.txt")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Ask" }));
  await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(onSubmit).toHaveBeenCalledExactlyOnceWith("What?", [file("b")]);
});

it("leaves them as they are where none was taken off", async () => {
  const { onSubmit, onClose } = setUp();
  await screen.findByText("a.txt");
  fireEvent.input(screen.getByRole("textbox"), { target: { value: "Why?" } });
  fireEvent.click(screen.getByRole("button", { name: "Ask" }));
  await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(onSubmit).toHaveBeenCalledExactlyOnceWith("Why?", undefined);
});
