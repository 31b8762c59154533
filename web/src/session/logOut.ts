import { finishDeletions } from "../ui/deletions";
import { session } from ".";

/** Logs out, once what was deleted on the screen is deleted. Throws ApiError if that failed. */
export async function logOut(): Promise<void> {
  await finishDeletions();
  await session.logOut();
}
