import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Scroller } from "./scroller";

/** A page of which only heights matter: a box of 500 px, and what is in it. */
class Page {
  readonly box = document.createElement("div");
  readonly content = document.createElement("div");
  readonly spacer = document.createElement("div");
  top = 0;
  height = 0;
  #resized: (() => void)[] = [];

  constructor() {
    const page = this;
    vi.stubGlobal("CSS", { supports: () => true });
    vi.stubGlobal(
      "ResizeObserver",
      class {
        constructor(told: () => void) {
          page.#resized.push(told);
        }
        observe() {}
        disconnect() {}
      },
    );
    Object.defineProperties(this.box, {
      clientHeight: { value: 500 },
      scrollHeight: { get: () => this.height + this.room },
      scrollTop: {
        get: () => this.top,
        set: (to: number) => {
          this.top = Math.max(0, Math.min(to, this.height + this.room - 500));
        },
      },
    });
    this.box.getBoundingClientRect = () => ({ top: 0, bottom: 500 }) as DOMRect;
    this.content.getBoundingClientRect = () =>
      ({ top: -this.top, bottom: this.height - this.top }) as DOMRect;
  }

  get room(): number {
    return Number.parseInt(this.spacer.style.height || "0", 10);
  }

  element(at: number): HTMLElement {
    const element = document.createElement("p");
    element.getBoundingClientRect = () => ({ top: at - this.top }) as DOMRect;
    return element;
  }

  grow(by: number): void {
    this.height += by;
    for (const told of this.#resized) told();
  }

  scrollTo(top: number): void {
    this.box.scrollTop = top;
    this.box.dispatchEvent(new Event("scroll"));
  }

  wheel(deltaY: number): void {
    this.box.dispatchEvent(new WheelEvent("wheel", { deltaY }));
    this.scrollTo(this.top + deltaY);
  }
}

let page: Page;
let scroller: Scroller;
let below: boolean;
beforeEach(() => {
  page = new Page();
  page.height = 2_000;
  below = false;
  scroller = new Scroller(page, (told) => {
    below = told;
  });
  scroller.follow();
});
afterEach(() => {
  scroller.leave();
  vi.unstubAllGlobals();
});

describe("scrolling", () => {
  it("begins at the end, and follows it", () => {
    expect(page.top).toBe(1_500);
    page.grow(300);
    expect(page.top).toBe(1_800);
    expect(below).toBe(false);
  });

  it.each([
    ["the wheel", () => page.wheel(-50), 1_450],
    ["the bar at its side", () => page.scrollTo(1_450), 1_450],
    [
      "a key",
      () => page.box.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" })),
      1_500,
    ],
  ])("leaves whoever goes up by %s where they are", (_by, go, top) => {
    go();
    page.grow(300);
    page.grow(300);
    expect(page.top).toBe(top);
    expect(below).toBe(true);
  });

  it("follows again whoever goes down to the end", () => {
    page.wheel(-200);
    page.grow(300);
    page.wheel(250);
    page.grow(100);
    expect(page.top).toBe(1_550);
    page.wheel(1_000);
    page.grow(300);
    expect(page.top).toBe(page.height - 500);
  });

  it("puts a question at the top, and moves nothing while its answer grows", () => {
    page.grow(60);
    const question = page.element(2_000);
    scroller.pin(question);
    expect(page.top).toBe(2_000);
    expect(page.room).toBe(440);
    page.grow(200);
    expect([page.top, page.room]).toEqual([2_000, 240]);
    page.grow(1_000);
    expect([page.top, page.room]).toEqual([2_000, 0]);
    expect(below).toBe(true);
    scroller.follow();
    expect(page.top).toBe(page.height - 500);
  });
});
