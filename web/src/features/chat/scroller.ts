import { keyOf } from "../../ui/useKey";

// So near the end one is at the end; so soon behind a gesture a scroll is its effect.
const NEAR = 4;
const GESTURE_MS = 700;
// What is below counts as hidden when so much of it is.
const HIDDEN = 24;
const UPWARD = new Set(["ArrowUp", "PageUp", "Home"]);
const DOWNWARD = new Set(["ArrowDown", "PageDown", "End", " "]);

/**
 * Where a conversation is scrolled to, by what its reader meant. A sent question is put at the top,
 * with room below it; the end is followed while the reader is there; whoever goes up is left alone.
 */
export class Scroller {
  readonly #box: HTMLElement;
  readonly #content: HTMLElement;
  readonly #spacer: HTMLElement;
  readonly #tell: (below: boolean) => void;
  readonly #sizes: ResizeObserver;
  readonly #leaving = new AbortController();
  #following = true;
  #pinned: HTMLElement | undefined;
  #lastTop = 0;
  #touchAt = 0;
  #downAt = Number.NEGATIVE_INFINITY;
  #below = false;
  #anchor: { element: Element; top: number } | undefined;
  // Safari moves what is read when something above it grows.
  readonly #anchors = !CSS.supports("overflow-anchor: auto");

  /** `tell` hears whether something is hidden below. */
  constructor(
    parts: { box: HTMLElement; content: HTMLElement; spacer: HTMLElement },
    tell: (below: boolean) => void,
  ) {
    this.#box = parts.box;
    this.#content = parts.content;
    this.#spacer = parts.spacer;
    this.#tell = tell;
    this.#sizes = new ResizeObserver(() => this.#adapt());
    this.#sizes.observe(this.#content);
    this.#sizes.observe(this.#box);
    const options = { passive: true, signal: this.#leaving.signal };
    this.#box.addEventListener("scroll", () => this.#scrolled(), options);
    this.#box.addEventListener("wheel", (event) => this.#meant(event.deltaY), options);
    this.#box.addEventListener("touchstart", (event) => this.#touched(event, true), options);
    this.#box.addEventListener("touchmove", (event) => this.#touched(event, false), options);
    this.#box.addEventListener("keydown", (event) => this.#pressed(event), options);
  }

  leave(): void {
    this.#leaving.abort();
    this.#sizes.disconnect();
  }

  /** To the end, and on with it. */
  follow(): void {
    this.#following = true;
    this.#adapt();
  }

  /** `element` to the top, with as much room below it as that takes. */
  pin(element: HTMLElement): void {
    this.#following = false;
    this.#pinned = element;
    this.#space();
    this.#moveBy(this.#topOf(element));
    this.#adapt();
  }

  /** `element` into view; nothing is followed any more. */
  show(element: HTMLElement): void {
    this.#following = false;
    this.#moveBy(this.#topOf(element) - this.#box.clientHeight / 4);
  }

  /** Older messages are about to be put above: at the very top a browser would not hold the place. */
  holdPlace(): void {
    if (this.#box.scrollTop < 1) this.#box.scrollTop = 1;
    this.#remember();
  }

  #topOf(element: Element): number {
    return element.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
  }

  #moveBy(pixels: number): void {
    this.#box.scrollTop += pixels;
    this.#lastTop = this.#box.scrollTop;
  }

  #adapt(): void {
    this.#space();
    if (this.#following) this.#moveBy(this.#box.scrollHeight);
    else this.#keepPlace();
    const end = this.#content.getBoundingClientRect().bottom;
    const below = end - this.#box.getBoundingClientRect().bottom > HIDDEN;
    if (below !== this.#below) {
      this.#below = below;
      this.#tell(below);
    }
  }

  #space(): void {
    if (this.#pinned === undefined) return;
    const used = this.#content.getBoundingClientRect().bottom;
    const height = this.#box.clientHeight - (used - this.#pinned.getBoundingClientRect().top);
    this.#spacer.style.height = `${Math.max(0, Math.floor(height))}px`;
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    // By whatever means: the bar at its side tells of itself in no other way.
    if (scrollTop < this.#lastTop - 1) this.#following = false;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (atEnd && performance.now() - this.#downAt < GESTURE_MS) this.#following = true;
    this.#lastTop = scrollTop;
    this.#remember();
    this.#adapt();
  }

  #meant(direction: number): void {
    if (direction < 0) this.#following = false;
    else if (direction > 0) this.#downAt = performance.now();
  }

  #touched(event: TouchEvent, begins: boolean): void {
    const at = event.touches[0]?.clientY ?? 0;
    if (!begins) this.#meant(this.#touchAt - at);
    this.#touchAt = at;
  }

  #pressed(event: KeyboardEvent): void {
    const key = keyOf(event) ?? "";
    if (UPWARD.has(key)) this.#meant(-1);
    else if (DOWNWARD.has(key)) this.#meant(1);
  }

  #remember(): void {
    if (!this.#anchors || this.#following) return;
    const top = this.#box.getBoundingClientRect().top;
    let element: Element | undefined = this.#content;
    for (let deeper: Element | undefined = element; deeper !== undefined; ) {
      element = deeper;
      deeper = [...element.children].find((one) => one.getBoundingClientRect().bottom > top);
      if (element !== this.#content && element.getBoundingClientRect().top >= top) break;
    }
    this.#anchor = element && { element, top: this.#topOf(element) };
  }

  #keepPlace(): void {
    const anchor = this.#anchor;
    if (anchor === undefined || !anchor.element.isConnected) return;
    const moved = this.#topOf(anchor.element) - anchor.top;
    if (Math.abs(moved) >= 1) this.#moveBy(moved);
  }
}
