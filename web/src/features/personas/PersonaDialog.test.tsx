import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { PersonaDialog } from "./PersonaDialog";
import type { Persona } from "./requests";

afterEach(cleanup);

const PERSONA: Persona = {
  ...{ id: "p", name: "terse", title: "Terse", description: "", prompt: "Be short." },
  ...{ model: null, parameters: {}, starters: [], owner: "user", is_default: false },
  ...{ created_at: "2026-11-01T00:00:00Z", updated_at: "2026-11-01T00:00:00Z" },
} as Persona;

/** The dialog, where that persona is the default; resolves to what was changed, by path, once it is named otherwise. */
async function rename(defaultPersona: string, name: string): Promise<unknown[]> {
  const changed: unknown[] = [];
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname;
    if (request.method === "PATCH") {
      const body = await request.json();
      changed.push([path, body.name ?? body.default_persona]);
      return Response.json(path.endsWith("/settings") ? body : { ...PERSONA, ...body });
    }
    return Response.json({ default_persona: defaultPersona });
  });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const onClose = vi.fn();
  render(
    <QueryClientProvider client={queries}>
      <PersonaDialog stored={PERSONA} onClose={onClose} />
    </QueryClientProvider>,
  );
  await waitFor(() => expect(queries.getQueryData(["settings"])).toBeDefined());
  const field = screen.getByLabelText("Short name");
  fireEvent.change(field, { target: { value: name } });
  const form = field.closest("form");
  if (form === null) throw new Error("There is no form.");
  fireEvent.submit(form);
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  await waitFor(() => expect(queries.isMutating()).toBe(0));
  return changed;
}

test("the default persona stays the default under another name", async () => {
  expect(await rename("terse", "brief")).toEqual([
    ["/api/v1/chat/personas/terse", "brief"],
    ["/api/v1/me/settings", "brief"],
  ]);
});

test("of any other persona, or one that keeps its name, no setting is touched", async () => {
  expect(await rename("polite", "brief")).toEqual([["/api/v1/chat/personas/terse", "brief"]]);
  cleanup();
  expect(await rename("terse", "terse")).toEqual([["/api/v1/chat/personas/terse", "terse"]]);
});
