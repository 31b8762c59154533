import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../api";
import { en } from "../i18n/en";
import { ErrorText } from "./ErrorText";
import { tell } from "./tell";
import { toast } from "./toast";

const fault = new ApiError({ status: 500, reason: "INTERNAL", request_id: "r-17" });
const refusal = new ApiError({ status: 409, reason: "KEY_NAME_TAKEN", request_id: "r-18" });
let copied: string[];

beforeEach(() => {
  copied = [];
  userEvent.setup();
  vi.spyOn(navigator.clipboard, "write").mockImplementation(async ([item]) => {
    copied.push((await (await item?.getType("text/plain"))?.text()) ?? "");
  });
});
afterEach(() => {
  cleanup();
  for (const { id } of toast.list()) toast.dismiss(id);
  vi.restoreAllMocks();
});

test("of a fault of the server's the request's id is shown and copied", async () => {
  render(<ErrorText error={fault} />);
  expect(document.body.textContent).toContain("Request r-17");
  await userEvent.click(screen.getByRole("button", { name: "Copy the request id" }));
  expect(copied).toEqual(["r-17"]);
});

test("what is refused for a reason of one's own has no id", () => {
  render(<ErrorText error={refusal} />);
  expect(document.body.textContent).toBe(en.errors.KEY_NAME_TAKEN);
  expect(screen.queryByRole("button")).toBeNull();
});

test("a message of a fault offers the id, one of a refusal nothing", async () => {
  tell(refusal, en);
  tell(fault, en);
  const [refused, failed] = toast.list();
  expect([refused?.action, failed?.action?.label]).toEqual([undefined, "Copy the request id"]);
  toast.act(failed?.id ?? 0);
  await vi.waitFor(() => expect(copied).toEqual(["r-17"]));
});
