import { describe, expect, it } from "vitest";
import { ApiError } from "../../api";
import { keyOfForm, withHeadersAsOne } from "./given";
import type { Key } from "./requests";

const stored = { id: "1" } as Key;

function form(fields: Record<string, string>): FormData {
  const given = new FormData();
  for (const [name, value] of Object.entries(fields)) given.set(name, value);
  return given;
}

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    return error as ApiError;
  }
  throw new Error("it was taken");
}

describe("what the form of a connection says", () => {
  it("leaves to the server what is empty, and says null of it", () => {
    const given = keyOfForm(form({ name: " mine ", model: "m", base_url: "u" }), undefined);
    expect(given).toEqual({
      name: "mine",
      model: "m",
      base_url: "u",
      provider: "openai",
      api_key: "",
      fallback_key_id: null,
      parameters: {
        temperature: null,
        top_p: null,
        max_tokens: null,
        stop: null,
        reasoning_effort: null,
      },
    });
  });

  it("keeps the stored key and headers where nothing is written in their place", () => {
    const given = keyOfForm(form({ name: "n", api_key: "", headers: " \n" }), stored);
    expect(given).not.toHaveProperty("api_key");
    expect(given).not.toHaveProperty("headers");
    expect(keyOfForm(form({ api_key: "sk-2" }), stored).api_key).toBe("sk-2");
    expect(keyOfForm(form({ headers_removed: "on" }), stored).headers).toBeNull();
  });

  it("reads numbers as people write them, lines as lists, and headers by their first colon", () => {
    const { parameters, headers } = keyOfForm(
      form({
        "parameters.temperature": "0,2",
        "parameters.max_tokens": "100",
        "parameters.stop": "END\n\n###",
        "parameters.reasoning_effort": "high",
        headers: "HTTP-Referer: https://example.org:8000/x\napi-key:abc",
      }),
      undefined,
    );
    expect(parameters).toMatchObject({
      temperature: 0.2,
      max_tokens: 100,
      stop: ["END", "###"],
      reasoning_effort: "high",
    });
    expect(headers).toEqual({ "HTTP-Referer": "https://example.org:8000/x", "api-key": "abc" });
  });

  it("refuses what is no number and no header, naming the field", () => {
    const number = refusal(() => keyOfForm(form({ "parameters.top_p": "much" }), undefined));
    expect(number.errors).toEqual([{ field: "parameters.top_p", reason: "INVALID" }]);
    const header = refusal(() => keyOfForm(form({ headers: "no colon" }), undefined));
    expect(header.errors).toEqual([{ field: "headers", reason: "INVALID" }]);
  });
});

it("shows what was refused of one header at the field of all", () => {
  const errors = [
    { field: "headers.Host", reason: "NOT_ALLOWED" },
    { field: "name", reason: "REQUIRED" },
  ];
  const told = withHeadersAsOne(
    new ApiError({ status: 422, reason: "VALIDATION", request_id: "r", errors } as never, 3),
  ) as ApiError;
  expect(told.errors.map((one) => one.field)).toEqual(["headers", "name"]);
  expect([told.reason, told.requestId, told.retryAfter]).toEqual(["VALIDATION", "r", 3]);
  expect(withHeadersAsOne("other")).toBe("other");
});
