import { afterEach, expect, test, vi } from "vitest";
import { midnight } from "./midnight";

afterEach(() => void vi.unstubAllEnvs());

test.each([
  ["UTC", "2026-11-02", "2026-11-02T00:00:00.000Z", "2026-11-03T00:00:00.000Z"],
  ["Asia/Shanghai", "2026-12-31", "2026-12-30T16:00:00.000Z", "2026-12-31T16:00:00.000Z"],
  // Days of 23 and of 25 hours.
  ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
  ["Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
])("where the reader is (%s), %s begins and the next day begins", (zone, day, start, next) => {
  vi.stubEnv("TZ", zone);
  expect([midnight(day, 0), midnight(day, 1)]).toEqual([start, next]);
});
