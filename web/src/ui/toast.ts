export interface Toast {
  id: number;
  text: string;
  /** What can be done about it: Undo. It goes when it was pressed. */
  action?: { label: string; run: () => void };
  tone?: "plain" | "danger";
}

let shown: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(toasts: readonly Toast[]) {
  shown = toasts;
  for (const listener of [...listeners]) listener();
}

/** Short messages at the foot of the page: at most three, each for a while. */
export const toast = {
  /** Shows one, for `seconds`: 10 where something can be done about it, else 4. Gives its id. */
  show({ seconds, ...given }: Omit<Toast, "id"> & { seconds?: number }): number {
    const id = next++;
    set([...shown.slice(-2), { ...given, id }]);
    setTimeout(() => toast.dismiss(id), (seconds ?? (given.action ? 10 : 4)) * 1000);
    return id;
  },
  dismiss(id: number): void {
    if (shown.some((one) => one.id === id)) set(shown.filter((one) => one.id !== id));
  },
  list: () => shown,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
