import type { Texts } from "../../i18n";
import { copy, htmlOf } from "../../markdown/clipboard";
import { runs } from "../../stream";
import { toast } from "../../ui/toast";
import type { Entry } from "./entries";

const articles = (root: HTMLElement | null) => [
  ...(root?.querySelectorAll<HTMLElement>("article") ?? []),
];

/** Moves the focus to the message before or behind the one that has it, at first to the last one. */
export function move(root: HTMLElement | null, by: 1 | -1): void {
  const at = articles(root).findIndex((one) => one.contains(document.activeElement));
  moveTo(root, at < 0 ? Number.POSITIVE_INFINITY : Math.max(0, at + by));
}

/** Where among the messages this one stands, -1: nowhere. */
export const placeOf = (root: HTMLElement | null, id: string) =>
  articles(root).findIndex((one) => one.dataset.message === id);

/** Moves the focus to the message that stands at this place by now, else to the last one. False: there is none. */
export function moveTo(root: HTMLElement | null, place: number): boolean {
  const all = articles(root);
  const to = all[place] ?? all.at(-1);
  to?.focus({ preventScroll: true });
  to?.scrollIntoView({ block: "nearest" });
  return to !== undefined;
}

/** Opens the last question for editing. False: there is none, or an answer is being written. */
export function editLast(root: HTMLElement | null): boolean {
  const button = [
    ...(root?.querySelectorAll<HTMLButtonElement>("[data-edit]:not(:disabled)") ?? []),
  ].at(-1);
  button?.click();
  return button !== undefined;
}

/** Copies the last answer, with its form. False: there is none. */
export function copyLast(root: HTMLElement | null, entries: readonly Entry[], t: Texts): boolean {
  const last = entries.findLast((entry) => entry.kind === "answer");
  if (last === undefined) return false;
  const id = last.message?.id ?? last.run?.answerId ?? "";
  const body = root?.querySelector(`[data-message="${CSS.escape(id)}"] [data-body]`);
  const text = (last.run && runs.get(last.run.runId)?.text) ?? last.message?.content ?? "";
  void copy({ text, ...(body && { html: htmlOf(body) }) }).then(
    () => toast.show({ text: t.common.copied }),
    () => toast.show({ text: t.chat.notCopied, tone: "danger" }),
  );
  return true;
}
