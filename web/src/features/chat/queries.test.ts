import { expect, it } from "vitest";
import type { Schema } from "../../api";
import { standardOf } from "./queries";

it("the standard persona is one's own wish where there is such, else the operator's", () => {
  const persona = (name: string, is_default = false) => ({ name, is_default }) as Schema<"Persona">;
  const personas = [persona("mine"), persona("assistant", true), persona("reviewer")];
  const of = (default_persona: string | null) => standardOf(personas, { default_persona })?.name;
  expect([of(null), of("mine"), of("Reviewer"), of("deleted")]).toEqual([
    "assistant",
    "mine",
    "reviewer",
    "assistant",
  ]);
  expect(standardOf(personas, undefined)?.name).toBe("assistant");
  expect(standardOf([persona("mine")], { default_persona: null })).toBeUndefined();
});
