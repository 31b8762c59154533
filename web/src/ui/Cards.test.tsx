import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CardMenu, Cards } from "./Cards";
import { MenuItem } from "./Menu";

beforeEach(() => {
  // Which happy-dom does not know.
  HTMLElement.prototype.showPopover = () => undefined;
  HTMLElement.prototype.hidePopover = () => undefined;
});
afterEach(cleanup);

async function open(isOwn: boolean, isDefault = false) {
  const done = { onEdit: vi.fn(), onDefault: vi.fn(), onRemove: vi.fn() };
  const what = { label: "Actions", isOwn, isDefault, makeDefault: "Make it the default" };
  render(
    <CardMenu {...what} {...done}>
      <MenuItem onSelect={vi.fn()}>Look</MenuItem>
    </CardMenu>,
  );
  screen.getByRole("button", { name: "Actions" }).focus();
  await userEvent.keyboard("{ArrowDown}");
  return done;
}

const items = () => screen.getAllByRole("menuitem").map((item) => item.textContent);

test("one's own is edited and deleted, what is the operator's is neither", async () => {
  const done = await open(true);
  expect(items()).toEqual(["Edit", "Look", "Make it the default", "Delete"]);
  await userEvent.click(screen.getByRole("menuitem", { name: "Delete" }));
  expect([done.onRemove.mock.calls.length, done.onEdit.mock.calls.length]).toEqual([1, 0]);
  cleanup();
  await open(false);
  expect(items()).toEqual(["Look", "Make it the default"]);
});

test("the default is not made so once more", async () => {
  const done = await open(true, true);
  await userEvent.click(screen.getByRole("menuitem", { name: "Make it the default" }));
  expect(done.onDefault).not.toHaveBeenCalled();
});

test("of nothing there is no heading", () => {
  render(<Cards title="Your own">{[]}</Cards>);
  expect(screen.queryByRole("heading")).toBeNull();
});
