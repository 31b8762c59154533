import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "../api";
import { LoadError } from "./LoadError";

afterEach(cleanup);

const broken = new ApiError({ status: 503 });

test("what failed is loaded again, once for one press, and what is there is left alone", async () => {
  let done: () => void = () => undefined;
  const refetch = vi.fn(() => new Promise<void>((resolve) => (done = resolve)));
  const other = vi.fn();
  render(
    <LoadError
      of={[
        { error: null, refetch: other },
        { error: broken, refetch },
      ]}
    />,
  );
  const button = screen.getByRole("button", { name: "Try again" });
  fireEvent.click(button);
  fireEvent.click(button);
  expect([refetch.mock.calls.length, other.mock.calls.length]).toEqual([1, 0]);
  expect(button.getAttribute("aria-busy")).toBe("true");
  await act(async () => done());
  expect(button.getAttribute("aria-busy")).toBeNull();
});

test("what is refused has no other try, and what is there no alert's text", () => {
  const refetch = vi.fn();
  const refused = new ApiError({ status: 403, reason: "FORBIDDEN" });
  const { rerender } = render(<LoadError of={[{ error: refused, refetch }]} />);
  expect(screen.getByRole("alert").textContent).toBe("You may not do that.");
  expect(screen.queryByRole("button")).toBeNull();
  rerender(<LoadError of={[{ error: null, refetch }]} />);
  expect(screen.getByRole("alert").textContent).toBe("");
});
