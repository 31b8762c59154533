import { createContext, createElement, type ReactNode, useContext } from "react";
import type { Block } from "./parser";

/** The level of the first heading of the text that is drawn. */
export const FirstLevel = createContext(1);

// Headings of a text stand below the page's and its part's.
const TOP = 3;

/** A heading of a text; it looks as it was written, and the first one is of level 3, whatever it was. */
export function Heading({ tag, children }: { tag: string; children: ReactNode }) {
  const level = Number(tag.slice(1)) - useContext(FirstLevel) + TOP;
  const shown = Math.min(6, Math.max(TOP, level));
  return createElement(`h${shown}`, { "data-level": tag }, children);
}

export function firstLevel(blocks: readonly Block[]): number {
  const heading = blocks.find(({ tokens }) => tokens[0]?.type === "heading_open");
  return Number(heading?.tokens[0]?.tag.slice(1) ?? 1);
}
