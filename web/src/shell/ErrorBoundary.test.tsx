import { cleanup, render, screen } from "@testing-library/react";
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
