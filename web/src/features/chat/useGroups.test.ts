import { renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Entry } from "./entries";
import type { Message } from "./messages";
import { useGroups } from "./useGroups";

const message = {} as Message;
const entriesOf = (keys: string): Entry[] =>
  [...keys].map((key) => ({ kind: "question", key, message }));

function group(first: string) {
  const { result, rerender } = renderHook(({ keys }) => useGroups(entriesOf(keys)), {
    initialProps: { keys: first },
  });
  const parts = () =>
    result.current.map(({ entries }) => entries.map(({ key }) => key).join("")).join(" ");
  const ids = () =>
    Object.fromEntries(
      result.current.flatMap(({ key, entries }) => entries.map((one) => [one.key, key])),
    );
  return { parts, ids, show: (keys: string) => rerender({ keys }) };
}

it("keeps entries in their groups while others come above, below and between them, and go", () => {
  const log = group("stuvwxyz");
  const steps: [string, string][] = [
    ["fghijklmnopqrstuvwxyz", "fghij klmnopqr stuvwxyz"],
    ["fghijklmnopqrstuvwxyz1", "fghij klmnopqr stuvwxyz 1"],
    ["abcdefghijklmnopqrstuvwxyz123", "abcde fghij klmnopqr stuvwxyz 123"],
    ["abcdefghijklmnopqrst_uvwxyz1234", "abcde fghij klmnopqr st_uvwxyz 1234"],
    ["abcdefghijklmnopqrst5", "abcde fghij klmnopqr st5"],
  ];
  let before = log.ids();
  for (const [keys, parts] of steps) {
    log.show(keys);
    expect(log.parts()).toBe(parts);
    const now = log.ids();
    for (const key of keys) expect(now[key]).toBe(before[key] ?? now[key]);
    before = now;
  }
});

it("has them in their order, whatever changes", () => {
  const log = group("abcdefghij");
  for (const keys of ["abjcdefghi", "jihgfedcba", "", "qbcar", "klmnopqrstuvwxyz", "zk"]) {
    log.show(keys);
    expect(log.parts().replaceAll(" ", "")).toBe(keys);
    expect(new Set(Object.values(log.ids())).size).toBe(
      log.parts().split(" ").filter(Boolean).length,
    );
  }
});
