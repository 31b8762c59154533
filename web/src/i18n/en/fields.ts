import type { FieldError } from "../../api/fieldError";

const characters = (bound: number | undefined) => `${bound} character${bound === 1 ? "" : "s"}`;

/** Why one field was refused. */
export const fields = {
  BEFORE_FROM: () => "The end is before the beginning.",
  GIVEN_AND_CLEARED: () => "It cannot be set and cleared at once.",
  INVALID: ({ field }: FieldError): string =>
    field === "email" ? "Enter an address such as name@example.org." : "This is not valid.",
  INVALID_CHARACTER: () => "It contains a character that is not accepted.",
  INVALID_HOST: () => "This is not a host name.",
  INVALID_NAME: () => "This name is not accepted.",
  INVALID_PORT: () => "This is not a port.",
  INVALID_URL: () => "This is not a web address.",
  INVALID_VALUE: () => "This value is not accepted.",
  MIXED_SCRIPTS: () => "It mixes letters of several scripts that look alike. Use one script.",
  NOT_BOTH: () => "Only one of the two can be set.",
  NOT_FOUND: () => "This does not exist.",
  NOT_IN_FORMAT: () => "Files of this format cannot have it.",
  NOT_ONE_OF: () => "This is not one of the choices.",
  NOT_UNIQUE: () => "This appears twice.",
  NOT_WITH_FILES: () => "This does not go together with files.",
  OUT_OF_RANGE: () => "This number is out of range.",
  REQUIRED: () => "Fill this in.",
  RESERVED_NAME: () => "This name is reserved for Parley.",
  TOO_COMMON: () => "This password is too common. Choose another one.",
  TOO_FEW: ({ minimum }: FieldError) => `At least ${minimum} are needed.`,
  TOO_LARGE: ({ maximum }: FieldError) =>
    maximum === undefined ? "This is too large." : `At most ${maximum}.`,
  TOO_LONG: ({ maximum }: FieldError) =>
    maximum === undefined ? "This is too long." : `At most ${characters(maximum)}.`,
  TOO_MANY: ({ maximum }: FieldError) =>
    maximum === undefined ? "There are too many." : `At most ${maximum}.`,
  TOO_SHORT: ({ minimum }: FieldError) =>
    minimum === undefined || minimum <= 1 ? "Fill this in." : `At least ${characters(minimum)}.`,
  TOO_SMALL: ({ minimum }: FieldError) =>
    minimum === undefined ? "This is too small." : `At least ${minimum}.`,
  UNKNOWN: () => "This is not one of the choices.",
  UNKNOWN_FIELD: () => "Parley does not know this field. Load the page again.",
  WORD_REFUSED: () => "It contains something that may not be said here.",
  WRONG_TYPE: () => "This is the wrong kind of value.",
  OTHER: () => "This is not accepted.",
};
