import type { FieldError } from "../../api/errors";

/** Why one field was refused. */
export const fields = {
  REQUIRED: (_: FieldError) => "Fill this in.",
  OTHER: (_: FieldError) => "This is not accepted.",
};
