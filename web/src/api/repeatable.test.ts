import { expect, it } from "vitest";
import { oncePerMade } from "./repeatable";

it("what is not made yet keeps its key, and behind that a press makes another", async () => {
  const once = oncePerMade();
  const keys: string[] = [];
  let answers = false;
  const make = async (headers: { "Idempotency-Key": string }) => {
    keys.push(headers["Idempotency-Key"]);
    if (!answers) throw new Error("lost");
  };
  await expect(once("a", make)).rejects.toThrow("lost");
  answers = true;
  // Two presses, before the answer to either.
  await Promise.all([once("a", make), once("a", make), once("b", make)]);
  await once("a", make);
  const [lost, first, second, other, later] = keys;
  expect([first, second]).toEqual([lost, lost]);
  expect(new Set([lost, other, later]).size).toBe(3);
});
