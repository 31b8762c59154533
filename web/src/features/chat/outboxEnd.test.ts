import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "../../api";
import { session } from "../../session";
import { asks, type Begun } from "../../stream";
import { uploads } from "../files/uploads";
import { outbox } from "./outbox";

const FILE = { id: "f", name: "a.txt", kind: "text", size: 4 };
const BEGUN: Begun = {
  sessionId: "s",
  run: { id: "r", questionId: "q", answerId: "a" },
  messageId: null,
};

afterEach(() => outbox.clear());

const begins = (answer: () => Promise<Begun>) =>
  vi.spyOn(asks, "begin").mockImplementation(() => ({ begun: answer() }));

test("a press that failed goes with the log-out: the next one neither sees nor tries it", async () => {
  const begin = begins(() => Promise.reject(new ApiError({ status: 503 })));
  await outbox.put("s", { kind: "send", content: "hello", sessionId: "s" });
  const [failed] = outbox.at("s");
  expect(failed?.status).toBe("failed");
  session.ended();
  expect(outbox.at("s")).toEqual([]);
  await outbox.again("s", failed?.press ?? "");
  expect(begin).toHaveBeenCalledTimes(1);
});

test("a press keeps its files until it has begun, and no longer", async () => {
  uploads.putBack("new", [FILE]);
  const stored = () => localStorage.getItem("parley.draft..files-new") ?? "";
  begins(() => Promise.reject(new ApiError({ status: 503 })));
  const attached = uploads.take("new");
  await outbox.put("new", { kind: "send", content: "hello", draft: "new", attached });
  expect(stored()).toContain(FILE.id);
  begins(async () => BEGUN);
  await outbox.again("new", outbox.at("new")[0]?.press ?? "");
  expect(stored()).toBe("");
});
