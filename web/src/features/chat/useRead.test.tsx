import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Message } from "./messages";
import type { Session } from "./queries";
import { useRead } from "./useRead";

const SESSION = { id: "s", read_order: 4 } as Session;
const ANSWER = { id: "a", session_id: "s", role: "assistant", order: 6 } as Message;

let hidden: boolean;
let told: string[];
const settled = () => act(() => new Promise((resolve) => setTimeout(resolve)));

beforeEach(() => {
  hidden = false;
  told = [];
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.stubGlobal("fetch", async (request: Request) => {
    told.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return Response.json({ ...SESSION, read_order: 6 });
  });
});
afterEach(cleanup);

async function shown(session: Session, last: Message) {
  const queries = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={queries}>{children}</QueryClientProvider>
  );
  renderHook(() => useRead(session, last), { wrapper });
  await settled();
}

const looks = () => {
  document.dispatchEvent(new Event("visibilitychange"));
  return settled();
};

test("an answer that ends where nobody looks is read once somebody does, and told once", async () => {
  hidden = true;
  await shown(SESSION, ANSWER);
  await looks();
  expect(told).toEqual([]);
  hidden = false;
  await looks();
  const once = ['PATCH /api/v1/chat/sessions/s {"read_order":6}'];
  await vi.waitFor(() => expect(told).toEqual(once));
  await looks();
  expect(told).toHaveLength(1);
});

test.each([
  ["a question, which is one's own", { ...ANSWER, role: "user" }],
  ["what was read before", { ...ANSWER, order: 4 }],
  ["a message of another conversation", { ...ANSWER, session_id: "other" }],
])("of %s nothing is told", async (_, last) => {
  await shown(SESSION, last as Message);
  expect(told).toEqual([]);
});
