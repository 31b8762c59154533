import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { session } from "../../session";
import RegisterPage from "./RegisterPage";

afterEach(cleanup);

/** A server that wants a code, and reaches no address. */
function serverOf(sentTo: string[]) {
  return async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(
      new URL(String((input as Request).url ?? input), location.href),
      input instanceof Request ? input : init,
    );
    if (!request.url.endsWith("/auth/send-code"))
      return Response.json({ status: 403, reason: "CODE_REQUIRED" }, { status: 403 });
    sentTo.push((await request.json()).email);
    return Response.json({ status: 422, reason: "NOT_DELIVERED" }, { status: 422 });
  };
}

test("another code goes to the address as it was corrected", async () => {
  const sentTo: string[] = [];
  vi.stubGlobal("fetch", serverOf(sentTo));
  session.ended();
  const user = userEvent.setup();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RegisterPage />
    </QueryClientProvider>,
  );
  await user.type(screen.getByLabelText("User name"), "ada");
  const email = screen.getByLabelText("E-mail");
  await user.type(email, "ada@exmaple.org");
  await user.type(screen.getByLabelText("Password"), "correct horse");
  await user.click(screen.getByRole("button", { name: "Register" }));
  const again = await screen.findByRole("button", { name: "Send another code" });
  await screen.findByText(/message could not be sent/);
  await user.clear(email);
  await user.type(email, "ada@example.org");
  await user.click(again);
  await vi.waitFor(() => expect(sentTo).toEqual(["ada@exmaple.org", "ada@example.org"]));
});
