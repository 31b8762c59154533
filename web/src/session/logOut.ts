import { session } from ".";
import { finishWork } from "./unfinished";

/**
 * Logs out, once what was written on the screen is saved and what was deleted on it is deleted, or five
 * seconds later. Throws ApiError if that failed.
 */
export async function logOut(): Promise<void> {
  await finishWork();
  await session.logOut();
}
