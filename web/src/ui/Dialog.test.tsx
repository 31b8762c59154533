import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { Dialog } from "./Dialog";

afterEach(cleanup);

test("a dialog that can only be answered is back when the browser closes it", () => {
  render(
    <Dialog open title="Log in again">
      <input aria-label="Password" />
    </Dialog>,
  );
  const dialog = screen.getByRole<HTMLDialogElement>("dialog");
  const field = screen.getByRole("textbox", { name: "Password" });
  expect(document.activeElement).toBe(field);
  // As a second Escape does, whatever `cancel` says.
  dialog.close();
  expect(dialog.open).toBe(true);
  expect(document.activeElement).toBe(field);
});

test("a dialog that closes is gone, and the focus is where it was", () => {
  const onClose = vi.fn();
  const { rerender } = render(<button type="button">Open</button>);
  const page = (open: boolean) => (
    <>
      <button type="button">Open</button>
      <Dialog open={open} title="Rename" onClose={onClose}>
        <input aria-label="Title" />
      </Dialog>
    </>
  );
  rerender(page(false));
  screen.getByRole("button", { name: "Open" }).focus();
  rerender(page(true));
  screen.getByRole("dialog").dispatchEvent(new Event("cancel", { cancelable: true }));
  expect(onClose).toHaveBeenCalledOnce();
  rerender(page(false));
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Open" }));
});
