/** Each reason of the API's document, and what to do about it. */
export const errors = {
  UNKNOWN: "Something went wrong. Try again.",
  OFFLINE: "Parley cannot be reached. Check your connection.",
};
