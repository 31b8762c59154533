export { api, authorisedFetch, ok, takeTokensFrom, uploading } from "./client";
export {
  ApiError,
  errorOf,
  errorText,
  failureText,
  fieldTexts,
  isNotFound,
} from "./errors";
export type { FieldError } from "./fieldError";
export type { components, paths } from "./schema";

import type { components } from "./schema";

/** A schema of the API's document by its name. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
