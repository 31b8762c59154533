import type { components } from "./schema";

type Responses = components["responses"];
type Told = {
  [Name in keyof Responses]: Responses[Name] extends {
    content: { "application/problem+json": { reason?: infer Reason } };
  }
    ? // Where any text may stand, none is named.
      string extends Reason
      ? never
      : Reason
    : never;
}[keyof Responses];

/** The reasons that the API's document names: each has its sentence in each language. */
export type Reason = Extract<Told, string>;
