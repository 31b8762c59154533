import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Combobox } from "./Combobox";

const OPTIONS = [
  { value: "a/1", label: "Small", group: "Alpha" },
  { value: "a/2", label: "Large", group: "Alpha" },
  { value: "b/1", label: "Vision", group: "Beta", hint: "sees pictures" },
];

// The environment of these tests knows no popovers; that one is shown is looked at in a browser.
beforeEach(() => {
  HTMLElement.prototype.showPopover = () => undefined;
  HTMLElement.prototype.hidePopover = () => undefined;
});
afterEach(cleanup);

function show({ free = false, value = "a/1" } = {}) {
  const onChange = vi.fn();
  const onFree = vi.fn();
  function Choice() {
    const [chosen, setChosen] = useState(value);
    const change = (next: string) => {
      onChange(next);
      setChosen(next);
    };
    return (
      <Combobox
        label="Model"
        value={chosen}
        options={OPTIONS}
        onChange={change}
        {...(free && { onFree })}
      />
    );
  }
  render(<Choice />);
  return { onChange, onFree, box: screen.getByRole("combobox") as HTMLInputElement };
}

const options = () => screen.queryAllByRole("option").map((one) => one.textContent);
const active = (box: HTMLElement) =>
  document.getElementById(box.getAttribute("aria-activedescendant") ?? "")?.textContent;

test("shut it shows what is chosen, open it begins there", () => {
  const { box } = show({ value: "a/2" });
  expect(box.value).toBe("Large");
  expect(options()).toEqual([]);
  fireEvent.click(box);
  expect(box.getAttribute("aria-expanded")).toBe("true");
  expect(options()).toEqual(["Small", "Large", "Visionsees pictures"]);
  expect(active(box)).toBe("Large");
});

test("what is typed finds by name and group; Enter takes the first", () => {
  const { box, onChange } = show();
  fireEvent.change(box, { target: { value: "bet" } });
  expect(options()).toEqual(["Visionsees pictures"]);
  fireEvent.keyDown(box, { key: "Enter" });
  expect(onChange).toHaveBeenCalledWith("b/1");
  expect(box.value).toBe("Vision");
  expect(box.getAttribute("aria-expanded")).toBe("false");
});

test("arrows move and stop at the ends", () => {
  const { box, onChange } = show();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"])
    fireEvent.keyDown(box, { key });
  expect(active(box)).toBe("Large");
  fireEvent.keyDown(box, { key: "Enter" });
  expect(onChange).toHaveBeenCalledWith("a/2");
});

test("Escape shuts it and changes nothing, and is kept from the dialog around", () => {
  const { box, onChange } = show();
  const outside = vi.fn();
  document.body.addEventListener("keydown", outside);
  fireEvent.change(box, { target: { value: "vis" } });
  fireEvent.keyDown(box, { key: "Escape" });
  expect(box.value).toBe("Small");
  expect(outside).not.toHaveBeenCalled();
  fireEvent.keyDown(box, { key: "Escape" });
  expect(outside).toHaveBeenCalledOnce();
  document.body.removeEventListener("keydown", outside);
  expect(onChange).not.toHaveBeenCalled();
});

test("the Enter of an input method chooses nothing", () => {
  const { box, onChange } = show();
  fireEvent.change(box, { target: { value: "vis" } });
  fireEvent.keyDown(box, { key: "Enter", keyCode: 229 });
  fireEvent.keyDown(box, { key: "Enter", isComposing: true });
  expect(onChange).not.toHaveBeenCalled();
});

test("what is no option can be taken only where that is offered", () => {
  const strict = show();
  fireEvent.change(strict.box, { target: { value: "my-model" } });
  fireEvent.keyDown(strict.box, { key: "Enter" });
  expect(strict.onChange).not.toHaveBeenCalled();
  cleanup();
  const { box, onFree, onChange } = show({ free: true });
  fireEvent.change(box, { target: { value: " my-model " } });
  fireEvent.click(screen.getByRole("option", { name: "Use “my-model”" }));
  expect(onFree).toHaveBeenCalledWith("my-model");
  expect(onChange).not.toHaveBeenCalled();
});

test("a press into it selects what it shows, also where it has the focus already", () => {
  const { box } = show();
  box.focus();
  box.setSelectionRange(2, 2);
  fireEvent.click(box);
  expect([box.selectionStart, box.selectionEnd]).toEqual([0, "Small".length]);
  // What is typed since is one's own: there a press puts the caret.
  fireEvent.change(box, { target: { value: "Lar" } });
  box.setSelectionRange(1, 1);
  fireEvent.click(box);
  expect([box.selectionStart, box.selectionEnd]).toEqual([1, 1]);
});
