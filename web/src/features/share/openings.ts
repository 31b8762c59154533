import { readInTab, writeInTab } from "../../ui/storage";

/** What this tab may show of a share for an hour without its password, and without a view more. */
const NAME = "share.opening.";
/** The share that is to be continued once somebody is logged in. */
const CONTINUED = "share.continued";

export const openings = {
  of: (token: string) => readInTab(NAME + token) ?? undefined,
  keep: (token: string, opening: string) => writeInTab(NAME + token, opening),
};

/** Whoever wants to continue a share has to log in first, and comes back to its page. */
export const continued = {
  ask: (token: string) => writeInTab(CONTINUED, token),
  /** Whether that was asked for here; it is done once. */
  take(token: string): boolean {
    const asked = readInTab(CONTINUED) === token;
    if (asked) writeInTab(CONTINUED, null);
    return asked;
  },
};
