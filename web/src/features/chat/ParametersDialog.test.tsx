import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { ParametersDialog } from "./ParametersDialog";

const parameters = {
  temperature: null,
  top_p: null,
  max_tokens: null,
  stop: null,
  reasoning_effort: null,
};

beforeEach(() => takeTokensFrom({ current: async () => "token", renew: async () => undefined }));
afterEach(cleanup);

/** Opens it where answers are kept for so many hours; returns once that is known to it. */
async function open(answers_kept_hours: number) {
  vi.stubGlobal("fetch", async ({ url }: Request) =>
    Response.json(
      url.endsWith("/me/limits")
        ? { items: [], answers_kept_hours }
        : { items: [], next_cursor: null },
    ),
  );
  const queries = new QueryClient();
  render(
    <QueryClientProvider client={queries}>
      <ParametersDialog
        manner={{ parameters, instructions: null, summary: false, persona: null }}
        onSave={async () => undefined}
        onClose={() => undefined}
        isNew
      />
    </QueryClientProvider>,
  );
  await vi.waitFor(() => expect(queries.getQueryData(["usage-limits"])).toBeDefined());
  await screen.findByRole("switch", { name: "Summarise what no longer fits", hidden: true });
}

const reuse = () => screen.queryByRole("switch", { name: "Reuse answers", hidden: true });

it("offers answers that were kept", async () => {
  await open(24);
  await vi.waitFor(() => expect(reuse()).not.toBeNull());
});

it("does not where the operator keeps none", async () => {
  await open(0);
  expect(reuse()).toBeNull();
});
