/** So often a page that nobody sees is brought up to date. */
const HIDDEN = 250;

/** Work that many changes ask for, done once for those that come close together. */
export class Soon {
  readonly #work: () => void;
  #waiting = false;
  #doneAt = Number.NEGATIVE_INFINITY;

  constructor(work: () => void) {
    this.#work = work;
  }

  /** With the next frame that is painted; a hidden page has none. */
  withFrame(): void {
    if (isHidden()) this.#wait(HIDDEN);
    else if (!this.#waiting) {
      this.#waiting = true;
      requestAnimationFrame(this.#turn);
    }
  }

  /**
   * At once, but `rest` milliseconds after the last time at the earliest. It is done between frames: to ask for one
   * costs as much as a small change of the page.
   */
  paced(rest: number): void {
    if (this.#waiting) return;
    const wait = this.#doneAt + (isHidden() ? HIDDEN : rest) - performance.now();
    if (wait > 0) this.#wait(wait);
    else this.now();
  }

  now(): void {
    this.#doneAt = performance.now();
    this.#work();
  }

  #wait(milliseconds: number): void {
    if (this.#waiting) return;
    this.#waiting = true;
    setTimeout(this.#turn, milliseconds);
  }

  readonly #turn = (): void => {
    this.#waiting = false;
    this.now();
  };
}

const isHidden = () => typeof document === "undefined" || document.hidden;
