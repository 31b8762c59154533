export interface Toast {
  id: number;
  text: string;
  /** What can be done about it: Undo. It goes when it was pressed. */
  action?: { label: string; run: () => void };
  /** Hears that it went and its action was not pressed: its time was over, or there was no room. */
  onGone?: () => void;
  tone?: "plain" | "danger";
}

let shown: readonly Toast[] = [];
let next = 1;
let held = false;
const left = new Map<number, number>();
let clock: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

const TICK = 250;
const MOST = 3;

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
  if (over.length > 0) drop(over);
}

/** Without `gone`, which are told so. */
function drop(gone: readonly Toast[]) {
  set(shown.filter((one) => !gone.includes(one)));
  for (const one of gone) one.onGone?.();
}

/** Short messages at the top of the page: at most three, each for a while. */
export const toast = {
  /** Shows one, for `seconds`: 10 where something can be done about it, else 4. Gives its id. */
  show({ seconds, ...given }: Omit<Toast, "id"> & { seconds?: number }): number {
    const id = next++;
    left.set(id, (seconds ?? (given.action ? 10 : 4)) * 1000);
    clock ??= setInterval(tick, TICK);
    // What can be undone makes room last.
    const first = shown.find(({ action }) => action === undefined) ?? shown[0];
    const noRoom = shown.length >= MOST && first !== undefined ? [first] : [];
    shown = [...shown, { ...given, id }];
    drop(noRoom);
    return id;
  },
  dismiss(id: number): void {
    const gone = shown.filter((one) => one.id === id);
    if (gone.length > 0) drop(gone);
  },
  /** Does what can be done about one, which goes. */
  act(id: number): void {
    const pressed = shown.find((one) => one.id === id);
    set(shown.filter((one) => one !== pressed));
    pressed?.action?.run();
  },
  /** All go about which something could be done: whoever could is logged out. None is told. */
  forget(): void {
    set(shown.filter(({ action }) => action === undefined));
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
