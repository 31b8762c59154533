import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ErrorBoundary } from "./ErrorBoundary";

afterEach(cleanup);
// React tells the console of what was caught.
beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));

function Broken(): never {
  throw new Error("a secret detail");
}

test("what broke says so without details, and another address is another try", () => {
  const { rerender } = render(
    <ErrorBoundary at="/keys">
      <Broken />
    </ErrorBoundary>,
  );
  expect(screen.getByRole("alert").textContent).toContain("Something went wrong on this page.");
  expect(document.body.textContent).not.toContain("a secret detail");
  expect(screen.getByRole("button", { name: "Reload the page" })).toBeTruthy();
  rerender(<ErrorBoundary at="/notes">the notes</ErrorBoundary>);
  expect(document.body.textContent).toBe("the notes");
});

test("the details are copied for whoever mends it, without more of the address than the page", async () => {
  userEvent.setup();
  let copied = "";
  vi.spyOn(navigator.clipboard, "write").mockImplementation(async ([item]) => {
    copied = (await (await item?.getType("text/plain"))?.text()) ?? "";
  });
  history.replaceState(null, "", "/share/a-secret-token");
  render(
    <ErrorBoundary>
      <Broken />
    </ErrorBoundary>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Copy the details" }));
  expect(copied).toMatch(/^\S+ \/share\n[\s\S]*a secret detail/);
  expect(copied).not.toContain("a-secret-token");
  expect(screen.getByRole("button", { name: "Copied" })).toBeTruthy();
});
