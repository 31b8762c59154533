/** What this tab may show of a share for an hour without its password, and without a view more. */
const NAME = "parley.share.opening.";
/** The share that is to be continued once somebody is logged in. */
const CONTINUED = "parley.share.continued";

// Storage may be closed to a page: then it lives as long as the page.
const here = new Map<string, string>();

function read(name: string): string | undefined {
  try {
    return sessionStorage.getItem(name) ?? undefined;
  } catch {
    return here.get(name);
  }
}

function write(name: string, value: string | undefined): void {
  try {
    if (value === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch {
    if (value === undefined) here.delete(name);
    else here.set(name, value);
  }
}

export const openings = {
  of: (token: string) => read(NAME + token),
  keep: (token: string, opening: string) => write(NAME + token, opening),
};

/** Whoever wants to continue a share has to log in first, and comes back to its page. */
export const continued = {
  ask: (token: string) => write(CONTINUED, token),
  /** Whether that was asked for here; it is done once. */
  take(token: string): boolean {
    const asked = read(CONTINUED) === token;
    if (asked) write(CONTINUED, undefined);
    return asked;
  },
};
