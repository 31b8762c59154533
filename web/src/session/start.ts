import { ApiError } from "../api";

/**
 * Starts the session, again and again until the server was reached: after half a second at first
 * and ten at last, and at once when the network is back.
 */
export async function startUntilReached(start: () => Promise<void>): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await networkOr(Math.min(500 * 2 ** failures, 10_000));
    }
  }
}

function networkOr(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
  });
}
