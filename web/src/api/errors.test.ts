import { expect, test } from "vitest";
import { en } from "../i18n/en";
import { ApiError, errorOf, errorText, fieldTexts } from ".";
import schema from "./schema.d.ts?raw";

test("every reason that the document names is in the catalogue", () => {
  const named = new Set(
    [...schema.matchAll(/reason\?: ((?:"[A-Z_]+"(?: \| )?)+);/g)].flatMap(([, reasons]) =>
      [...(reasons ?? "").matchAll(/[A-Z_]+/g)].map(([reason]) => reason),
    ),
  );
  expect(named.size).toBeGreaterThan(60);
  expect([...named].filter((reason) => !(reason in en.errors))).toEqual([]);
});

test("what refuses is said by its reason, else by its status, else at all", () => {
  expect(errorText(new ApiError({ status: 409, reason: "EMAIL_TAKEN" }), en)).toBe(
    "This address belongs to another account.",
  );
  expect(errorText(new ApiError({ status: 503, reason: "SOMETHING_NEW" }), en)).toBe(
    en.errors.HTTP_503,
  );
  expect(errorText(new ApiError({ status: 418 }), en)).toBe(en.errors.UNKNOWN);
  expect(errorText(new TypeError("x is not a function"), en)).toBe(en.errors.UNKNOWN);
  expect(errorText(new ApiError({ status: 0 }), en)).toBe(en.errors.OFFLINE);
});

test("a limit says for how long it holds", async () => {
  const response = Response.json(
    { status: 429, reason: "TOO_MANY_ATTEMPTS" },
    { status: 429, headers: { "Retry-After": "17" } },
  );
  const error = await errorOf(response);
  expect(error).toMatchObject({ status: 429, reason: "TOO_MANY_ATTEMPTS", retryAfter: 17 });
});

test("a proxy's page is an error by its status", async () => {
  const error = await errorOf(new Response("<h1>Bad Gateway</h1>", { status: 502 }));
  expect(error).toMatchObject({ status: 502, reason: "HTTP_502" });
  expect(errorText(error, en)).toBe(en.errors.HTTP_503);
});

test("a refused field is said by its own sentence, else by that of the reason, else at all", () => {
  const refused = (field: string, reason: string) =>
    fieldTexts(
      new ApiError({ status: 422, reason: "VALIDATION", errors: [{ field, reason }] }),
      en,
    )[field];
  expect(refused("name", "INVALID")).toBe("This is not valid.");
  expect(refused("email", "INVALID")).toBe("Enter an address such as name@example.org.");
  expect(refused("base_url", "PROVIDER_ADDRESS_FORBIDDEN")).toBe(
    en.errors.PROVIDER_ADDRESS_FORBIDDEN,
  );
  expect(refused("name", "SOMETHING_NEW")).toBe(en.fields.OTHER());
});
