import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Dialog } from "./Dialog";
import { Page } from "./Page";
import { Row, Rows } from "./Section";

afterEach(cleanup);

function Links({ names, asking = false }: { names: readonly string[]; asking?: boolean }) {
  return (
    <Page title="Links" actions={<button type="button">Add</button>}>
      {names.length > 0 && (
        <Rows label="Links">
          {names.map((name) => (
            <Row key={name} title={name}>
              <button type="button">{`Refresh ${name}`}</button>
              <button type="button">{`Revoke ${name}`}</button>
            </Row>
          ))}
        </Rows>
      )}
      <Dialog open={asking} title="Revoke?" actions={<button type="button">Yes</button>}>
        <p>It cannot be brought back.</p>
      </Dialog>
    </Page>
  );
}

const button = (name: string) => screen.getByRole("button", { name });
const focused = () => document.activeElement?.textContent;

it.each([
  { names: ["a", "b", "c"], gone: "b", to: "Refresh c" },
  { names: ["a", "b"], gone: "b", to: "Refresh a" },
  { names: ["a"], gone: "a", to: "Add" },
])("the focus of $gone of $names goes to $to with it", async ({ names, gone, to }) => {
  const left = names.filter((name) => name !== gone);
  for (const asking of [false, true]) {
    const { rerender, unmount } = render(<Links names={names} />);
    button(`Revoke ${gone}`).focus();
    rerender(<Links names={names} asking={asking} />);
    expect(focused()).toBe(asking ? "Yes" : `Revoke ${gone}`);
    rerender(<Links names={left} asking={asking} />);
    rerender(<Links names={left} />);
    await act(async () => undefined);
    expect(focused()).toBe(to);
    unmount();
  }
});

it("behind the last page of a list the focus is at its end, where the button for more was", async () => {
  const list = (names: readonly string[], more: boolean) => (
    <Page title="Users">
      <Rows label="Users">
        {names.map((name) => (
          <Row key={name} title={name}>
            <button type="button">{name}</button>
          </Row>
        ))}
      </Rows>
      {more && <button type="button">More</button>}
    </Page>
  );
  const { rerender } = render(list(["a", "b"], true));
  button("More").focus();
  rerender(list(["a", "b", "c", "d"], false));
  await act(async () => undefined);
  expect(focused()).toBe("d");
});

it("a row that goes takes the focus of nobody who is elsewhere", async () => {
  const { rerender } = render(<Links names={["a", "b"]} />);
  button("Revoke b").focus();
  button("Add").focus();
  rerender(<Links names={["a"]} />);
  await act(async () => undefined);
  expect(focused()).toBe("Add");
});
