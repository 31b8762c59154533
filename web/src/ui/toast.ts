export interface Toast {
  id: number;
  text: string;
  /** What can be done about it: Undo. It goes when it was pressed. */
  action?: { label: string; run: () => void };
  tone?: "plain" | "danger";
}

let shown: readonly Toast[] = [];
let next = 1;
let held = false;
const left = new Map<number, number>();
let clock: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

const TICK = 250;

function set(toasts: readonly Toast[]) {
  shown = toasts;
  for (const id of [...left.keys()]) if (!toasts.some((one) => one.id === id)) left.delete(id);
  if (left.size === 0) {
    clearInterval(clock);
    clock = undefined;
    held = false;
  }
  for (const listener of [...listeners]) listener();
}

function tick() {
  if (held) return;
  for (const [id, milliseconds] of left) left.set(id, milliseconds - TICK);
  const over = shown.filter(({ id }) => (left.get(id) ?? 0) <= 0);
  if (over.length > 0) set(shown.filter((one) => !over.includes(one)));
}

/** Short messages at the top of the page: at most three, each for a while. */
export const toast = {
  /** Shows one, for `seconds`: 10 where something can be done about it, else 4. Gives its id. */
  show({ seconds, ...given }: Omit<Toast, "id"> & { seconds?: number }): number {
    const id = next++;
    left.set(id, (seconds ?? (given.action ? 10 : 4)) * 1000);
    clock ??= setInterval(tick, TICK);
    set([...shown.slice(-2), { ...given, id }]);
    return id;
  },
  dismiss(id: number): void {
    if (shown.some((one) => one.id === id)) set(shown.filter((one) => one.id !== id));
  },
  /** While one points at them, or is among them with the keyboard, none goes. */
  hold: () => {
    held = true;
  },
  release: () => {
    held = false;
  },
  list: () => shown,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
