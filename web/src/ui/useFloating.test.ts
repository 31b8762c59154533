import { expect, test } from "vitest";
import { place } from "./useFloating";

const WINDOW = { width: 400, height: 800 };
const at = (left: number, top: number, width = 40, height = 40) => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});
const MENU = { width: 200, height: 300 };

test("below it and flush with its start, or above it and flush with its end", () => {
  expect(place(at(50, 100), MENU, WINDOW, "bottom-start")).toMatchObject({ left: 50, top: 144 });
  expect(place(at(300, 700), MENU, WINDOW, "top-end")).toMatchObject({ left: 140, top: 396 });
});

test("on the other side where there is too little room, and more of it there", () => {
  expect(place(at(50, 700), MENU, WINDOW, "bottom-start")).toMatchObject({ top: 396 });
  expect(place(at(50, 60), MENU, WINDOW, "top-start")).toMatchObject({ top: 104 });
});

test("where it fits nowhere, on the roomier side, and as tall as the room is", () => {
  const tall = { width: 200, height: 2_000 };
  expect(place(at(50, 500), tall, WINDOW, "bottom-start")).toEqual({
    left: 50,
    top: 8,
    maxHeight: 488,
  });
  expect(place(at(50, 200), tall, WINDOW, "bottom-start")).toEqual({
    left: 50,
    top: 244,
    maxHeight: 548,
  });
});

test("within the window from side to side", () => {
  expect(place(at(350, 100), MENU, WINDOW, "bottom-start").left).toBe(192);
  expect(place(at(10, 100), MENU, WINDOW, "bottom-end").left).toBe(8);
});
