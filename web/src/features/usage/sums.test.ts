import { expect, test } from "vitest";
import type { Schema } from "../../api";
import { daysBetween, daysOf } from "./days";
import { together } from "./sums";

const nothing: Schema<"UsageItem"> = {
  day: null,
  model: null,
  key_id: null,
  owner: null,
  purpose: null,
  requests: 0,
  completed: 0,
  cancelled: 0,
  interrupted: 0,
  failed: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  cached_tokens: 0,
  reasoning_tokens: 0,
  estimated_tokens: 0,
  duration_ms: 0,
  costs: [],
  unpriced_tokens: 0,
};

test("what is of one model is added up, currencies apart", () => {
  const items = [
    { ...nothing, model: "a", total_tokens: 3, costs: [{ currency: "USD", amount: "0.5" }] },
    { ...nothing, model: "b", total_tokens: 4 },
    {
      ...nothing,
      model: "a",
      total_tokens: 5,
      costs: [
        { currency: "USD", amount: "0.25" },
        { currency: "EUR", amount: "1" },
      ],
    },
  ];
  const sums = together(items, ({ model }) => model);
  expect([...sums.keys()]).toEqual(["a", "b"]);
  expect(sums.get("a")).toMatchObject({
    total_tokens: 8,
    costs: [
      { currency: "USD", amount: "0.75" },
      { currency: "EUR", amount: "1" },
    ],
  });
});

test("months end in UTC, whatever the clock of the reader says", () => {
  const now = new Date("2026-03-01T00:30:00Z");
  expect(daysOf("thisMonth", now)).toEqual({ from: "2026-03-01", to: "2026-03-01" });
  expect(daysOf("lastMonth", now)).toEqual({ from: "2026-02-01", to: "2026-02-28" });
  expect(daysOf("week", now)).toEqual({ from: "2026-02-23", to: "2026-03-01" });
  const year = daysOf("year", now);
  expect(daysBetween(year.from, year.to)).toHaveLength(365);
});
