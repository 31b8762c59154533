import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
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

function setUp({ enters = true, entersSend = true } = {}) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(["settings"], { enter_sends: entersSend });
  const onSubmit = vi.fn(async () => true);
  const onClose = vi.fn();
  const files = [file("a"), file("b"), file("c", { deleted: true })];
  render(
    <QueryClientProvider client={queries}>
      <EditBox {...{ id: "m", text: "What?", label: "Ask", files, enters, onSubmit, onClose }} />
    </QueryClientProvider>,
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

it.each([
  ["a question, as the composer does", {}, "Enter asks", 1],
  ["no question where Enter starts a new line", { entersSend: false }, "Ctrl+Enter", 0],
  ["no answer, which has lines of its own", { enters: false }, "Ctrl+Enter", 0],
])("Enter finishes %s, and the box says so", async (_what, set, hint, times) => {
  const { onSubmit } = setUp(set);
  const box = screen.getByRole("textbox", { description: new RegExp(hint.replace("+", "\\+")) });
  fireEvent.input(box, { target: { value: "Why?" } });
  fireEvent.keyDown(box, { key: "Enter", shiftKey: true });
  expect(onSubmit).not.toHaveBeenCalled();
  fireEvent.keyDown(box, { key: "Enter" });
  expect(onSubmit).toHaveBeenCalledTimes(times);
  fireEvent.keyDown(box, { key: "Enter", ctrlKey: true });
  await vi.waitFor(() => expect(onSubmit).toHaveBeenCalled());
});
