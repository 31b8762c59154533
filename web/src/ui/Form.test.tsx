import { act, cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "../api";
import { SecretField, TextField } from "./Field";
import { Form } from "./Form";

afterEach(cleanup);

const refused = (more: object) => new ApiError({ status: 422, reason: "VALIDATION", ...more });

function show(error?: unknown, places?: Record<string, string>) {
  const onSubmit = vi.fn();
  render(
    <Form onSubmit={(given) => onSubmit(Object.fromEntries(given))} error={error} places={places}>
      <TextField label="User name" hint="Yours." name="username" required />
      <SecretField label="Password" name="password" required />
      <button type="submit">Go</button>
    </Form>,
  );
  return onSubmit;
}

const field = (name: string) => screen.getByLabelText(name) as HTMLInputElement;
const described = (name: string) =>
  field(name)
    .getAttribute("aria-describedby")
    ?.split(" ")
    .map((id) => document.getElementById(id)?.textContent);

test("what is missing is said at its field, which gets the focus, and nothing is sent", async () => {
  const onSubmit = show();
  await userEvent.click(screen.getByText("Go"));
  expect(onSubmit).not.toHaveBeenCalled();
  expect(described("User name")).toEqual(["Yours.", "Fill this in."]);
  expect(document.activeElement).toBe(field("User name"));
  await userEvent.type(field("User name"), "ada");
  await userEvent.type(field("Password"), "secret{Enter}");
  expect(onSubmit).toHaveBeenCalledWith({ username: "ada", password: "secret" });
  expect(field("User name").getAttribute("aria-invalid")).toBeNull();
});

test("a refused field says why, and no alert repeats it", () => {
  show(refused({ errors: [{ field: "password", reason: "TOO_SHORT", minimum: 8 }] }));
  expect(described("Password")).toEqual(["At least 8 characters."]);
  expect(document.activeElement).toBe(field("Password"));
  expect(screen.getByRole("alert").textContent).toBe("");
});

test("a reason of the whole request stands at the field that it is about", () => {
  show(new ApiError({ status: 409, reason: "USERNAME_TAKEN" }), { USERNAME_TAKEN: "username" });
  expect(described("User name")).toEqual(["Yours.", "This name is taken."]);
  expect(screen.getByRole("alert").textContent).toBe("");
});

test("a refused field that is not shown, and what is no field's, stand in the alert", () => {
  show(refused({ errors: [{ field: "parameters.top_p", reason: "TOO_LARGE", maximum: 1 }] }));
  expect(screen.getByRole("alert").textContent).toMatch(
    /accepted yet.*parameters\.top_p At most 1\./,
  );
});

test("a failure of the server shows the request's id", () => {
  show(new ApiError({ status: 500, reason: "INTERNAL", request_id: "r-17" }));
  expect(screen.getByRole("alert").textContent).toContain("r-17");
});

test("a limit counts down, without being read out at each second", () => {
  vi.useFakeTimers();
  show(new ApiError({ status: 429, reason: "TOO_MANY_ATTEMPTS" }, 2));
  expect(screen.getByRole("timer").textContent).toBe(" Try again in 2 s.");
  act(() => void vi.advanceTimersByTime(1_000));
  expect(screen.getByRole("timer").textContent).toBe(" Try again in 1 s.");
  act(() => void vi.advanceTimersByTime(1_000));
  expect(screen.queryByRole("timer")).toBeNull();
  expect(screen.getByRole("alert").textContent).toBe("Too many attempts.");
  vi.useRealTimers();
});

test("a secret is shown on request only", async () => {
  show();
  expect(field("Password").type).toBe("password");
  await userEvent.click(screen.getByRole("button", { name: "Show password" }));
  expect(field("Password").type).toBe("text");
});
