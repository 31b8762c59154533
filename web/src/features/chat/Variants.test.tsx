import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, expect, it } from "vitest";
import { Variants } from "./Variants";

afterEach(cleanup);

const ids = ["a", "b", "c"];

/** As in a log: each variant is a message of its own, which comes in the other's place. */
function Log({ first }: { first: number }) {
  const [index, setIndex] = useState(first);
  return (
    <>
      <Variants key={index} of={{ index, ids }} onChoose={(id) => setIndex(ids.indexOf(id))} />
      <p>{ids[index]}</p>
      <textarea aria-label="Message" />
    </>
  );
}

const focused = () => document.activeElement?.getAttribute("aria-label");

it("from variant to variant the focus stays at the arrows, and turns round at the ends", async () => {
  render(<Log first={2} />);
  screen.getByRole("button", { name: "Previous variant" }).focus();
  const seen: unknown[] = [];
  for (let presses = 0; presses < 4; presses++) {
    await userEvent.keyboard("{Enter}");
    seen.push([document.querySelector("p")?.textContent, focused()]);
  }
  expect(seen).toEqual([
    ["b", "Previous variant"],
    ["a", "Next variant"],
    ["b", "Next variant"],
    ["c", "Previous variant"],
  ]);
});

it("who has gone on to write meanwhile is left there", async () => {
  const of = (index: number) => ({ index, ids });
  const page = (index: number) => (
    <>
      <Variants key={index} of={of(index)} onChoose={() => undefined} />
      <textarea aria-label="Message" />
    </>
  );
  const { rerender } = render(page(1));
  await userEvent.click(screen.getByRole("button", { name: "Next variant" }));
  screen.getByRole("textbox").focus();
  rerender(page(2));
  expect(focused()).toBe("Message");
});
