import type { FieldError } from "../../api/errors";

const characters = (bound: number | undefined) => `${bound} character${bound === 1 ? "" : "s"}`;

/** Why one field was refused. */
export const fields = {
  GIVEN_AND_CLEARED: () => "It cannot be set and cleared at once.",
  INVALID: () => "This is not valid.",
  INVALID_CHARACTER: () => "It holds a character that is not accepted.",
  INVALID_HOST: () => "This is no host's name.",
  INVALID_NAME: () => "This name is not accepted.",
  INVALID_PORT: () => "This is no port.",
  INVALID_URL: () => "This is no web address.",
  INVALID_VALUE: () => "This value is not accepted.",
  MIXED_SCRIPTS: () => "Letters of several scripts look like others: use one script.",
  NOT_BOTH: () => "Only one of the two can be set.",
  NOT_FOUND: () => "There is no such thing.",
  NOT_ONE_OF: () => "This is none of the choices.",
  NOT_UNIQUE: () => "It stands there twice.",
  OUT_OF_RANGE: () => "This number is out of range.",
  REQUIRED: () => "Fill this in.",
  RESERVED_NAME: () => "This name is kept for Parley.",
  TOO_COMMON: () => "Everybody has this password. Choose another one.",
  TOO_FEW: ({ minimum }: FieldError) => `At least ${minimum} are needed.`,
  TOO_LARGE: ({ maximum }: FieldError) =>
    maximum === undefined ? "This is too large." : `At most ${maximum}.`,
  TOO_LONG: ({ maximum }: FieldError) =>
    maximum === undefined ? "This is too long." : `At most ${characters(maximum)}.`,
  TOO_MANY: ({ maximum }: FieldError) =>
    maximum === undefined ? "These are too many." : `At most ${maximum}.`,
  TOO_SHORT: ({ minimum }: FieldError) =>
    minimum === undefined || minimum <= 1 ? "Fill this in." : `At least ${characters(minimum)}.`,
  TOO_SMALL: ({ minimum }: FieldError) =>
    minimum === undefined ? "This is too small." : `At least ${minimum}.`,
  UNKNOWN_FIELD: () => "Parley does not know this field. Load the page again.",
  WRONG_TYPE: () => "This is not of the kind that is wanted.",
  OTHER: () => "This is not accepted.",
};
