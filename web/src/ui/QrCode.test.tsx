import { cleanup, render, screen } from "@testing-library/react";
import { encode } from "uqr";
import { afterEach, expect, it } from "vitest";
import { QrCode } from "./QrCode";

afterEach(cleanup);

it("draws each dark module once, and none besides", () => {
  const text = "https://example.org/share/abc";
  render(<QrCode text={text} label="The link" />);
  const drawing = screen.getByRole("img", { name: "The link" });
  const { data, size } = encode(text, { ecc: "M", border: 4 });
  expect(drawing.getAttribute("viewBox")).toBe(`0 0 ${size} ${size}`);
  const drawn = data.map((row) => row.map(() => 0));
  const path = drawing.querySelector("path")?.getAttribute("d") ?? "";
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)/g))
    for (let at = 0; at < Number(length); at++) {
      const row = drawn[Number(y)] as number[];
      row[Number(x) + at] = (row[Number(x) + at] ?? 0) + 1;
    }
  expect(drawn).toEqual(data.map((row) => row.map(Number)));
});
