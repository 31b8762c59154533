import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, it, vi } from "vitest";
import { touch } from "../../ui/touch";
import { useCommands } from "./useCommands";

const queries = new QueryClient();
const around = ({ children }: { children: ReactNode }) => (
  <QueryClientProvider client={queries}>{children}</QueryClientProvider>
);
const commands = () => renderHook(useCommands, { wrapper: around }).result.current;

it("names keys where there are keys", () => {
  expect(commands().map(({ name }) => name)).toContain("Keyboard shortcuts");
  expect(commands().some(({ chord }) => chord !== undefined)).toBe(true);
});

it("names none where one works with fingers, and has all else", () => {
  const there = commands().length;
  vi.spyOn(touch, "matches", "get").mockReturnValue(true);
  expect(commands().map(({ name }) => name)).not.toContain("Keyboard shortcuts");
  expect(commands().some(({ chord }) => chord !== undefined)).toBe(false);
  expect(commands()).toHaveLength(there - 1);
});
