import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { ApiError } from "../../api";
import { session } from "../../session";
import { thisPage } from "../chat/openPages";
import * as transfer from "./transfer";
import { HELD_EVERY, uploads as shared, Uploads } from "./uploads";

interface Sent {
  name: string;
  key: string;
  progress: (share: number) => void;
  signal: AbortSignal;
  done: (attached: transfer.Attached) => void;
  fail: (error: unknown) => void;
}

const LIMITS = { maximum_bytes: 1_000, maximum_attachments: 10 };

let sent: Sent[];
let held: MockInstance<typeof transfer.hold>;
let uploads: Uploads;
const text = (name: string) => new File(["text"], name, { type: "text/plain" });
const kept = (id: string) => ({ id, name: `${id}.txt`, kind: "text", size: 4 });
const settled = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  localStorage.clear();
  sent = [];
  uploads = new Uploads();
  held = vi.spyOn(transfer, "hold").mockResolvedValue();
  vi.spyOn(transfer, "upload").mockImplementation(
    (file, key, progress, signal) =>
      new Promise((done, fail) => {
        sent.push({ name: file.name, key, progress, signal, done, fail });
      }),
  );
});
afterEach(() => {
  uploads.clear();
  vi.useRealTimers();
  Reflect.deleteProperty(navigator, "locks");
});

const names = (place = "new", of = uploads) =>
  of.at(place).map(({ name, status }) => `${name} ${status}`);

/** The files as a page has them that is opened anew: beside the one that is here, or in its place. */
async function opened(how: "beside" | "instead"): Promise<Uploads> {
  const held = how === "beside" ? [{ name: `parley.page.${thisPage}` }] : [];
  if (how === "beside") sessionStorage.clear();
  vi.resetModules();
  const locks = { query: async () => ({ held }), request: () => undefined };
  Object.defineProperty(navigator, "locks", { value: locks, configurable: true });
  vi.spyOn(await import("./transfer"), "hold").mockResolvedValue();
  return new (await import("./uploads")).Uploads();
}

describe("files that are chosen", () => {
  it("are sent at once, three at a time, and say how far they are", async () => {
    uploads.add("new", ["a", "b", "c", "d"].map(text), LIMITS);
    expect(sent.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    sent[1]?.progress(0.5);
    expect(uploads.at("new")[1]?.share).toBe(0.5);
    sent[1]?.done(kept("1"));
    await settled();
    expect(names()).toEqual(["a sending", "b ready", "c sending", "d sending"]);
    expect(sent).toHaveLength(4);
  });

  it("are no more than a question takes, and none that is too large is sent", () => {
    expect(
      uploads.add(
        "new",
        Array.from({ length: 12 }, () => text("a")),
        { ...LIMITS, maximum_attachments: 7 },
      ),
    ).toBe(7);
    uploads.add("other", [text("large")], { ...LIMITS, maximum_bytes: 3 });
    expect(names("other")).toEqual(["large failed"]);
    expect(sent).toHaveLength(3);
  });

  it("are no more than a question takes in several choices together", () => {
    const six = ["a", "b", "c", "d", "e", "f"].map(text);
    expect([uploads.add("new", six, LIMITS), uploads.add("new", six, LIMITS)]).toEqual([6, 4]);
    expect(uploads.at("new")).toHaveLength(10);
  });

  it("end with a press, and the next one takes the place", async () => {
    uploads.add("new", ["a", "b", "c", "d"].map(text), LIMITS);
    const first = uploads.at("new")[0];
    uploads.remove("new", first?.id ?? "");
    expect(sent[0]?.signal.aborted).toBe(true);
    sent[0]?.fail(new Error("aborted"));
    await settled();
    expect(names()).toEqual(["b sending", "c sending", "d sending"]);
  });

  it("that failed are sent again under the same key", async () => {
    uploads.add("new", [text("a")], LIMITS);
    sent[0]?.fail(new ApiError({ status: 503 }));
    await settled();
    expect(names()).toEqual(["a failed"]);
    uploads.again("new", uploads.at("new")[0]?.id ?? "");
    expect(sent.map(({ key }) => key === sent[0]?.key)).toEqual([true, true]);
  });
});

it("files go with the log-out, on their way or not", async () => {
  shared.add("new", ["a", "b"].map(text), LIMITS);
  sent[0]?.done(kept("1"));
  await settled();
  expect(names("new", shared)).toEqual(["a ready", "b sending"]);
  // The pages of other tests would hear it, whenever it comes.
  vi.spyOn(BroadcastChannel.prototype, "postMessage").mockReturnValue();
  session.ended();
  expect(names("new", shared)).toEqual([]);
  expect(sent[1]?.signal.aborted).toBe(true);
});

describe("files of a question", () => {
  async function chosen() {
    uploads.add("new", [text("a")], LIMITS);
    sent.at(-1)?.done(kept("1"));
    await settled();
  }

  it("are remembered for a later page until it has begun", async () => {
    await chosen();
    const taken = uploads.take("new");
    expect(taken).toEqual([kept("1")]);
    expect(names()).toEqual([]);
    const later = await opened("instead");
    expect(names("new", later)).toEqual(["1.txt ready"]);
    later.begun("new", later.take("new"));
    expect(names("new", await opened("instead"))).toEqual([]);
  });

  it("are not chosen in another page while theirs is open, whatever is chosen there", async () => {
    await chosen();
    const taken = uploads.take("new");
    const other = await opened("beside");
    expect(names("new", other)).toEqual([]);
    other.putBack("new", [kept("2")]);
    uploads.begun("new", taken);
    expect(names("new", await opened("instead"))).toEqual(["2.txt ready"]);
    other.clear();
  });

  it("are taken out again where another page took them for what was left", async () => {
    await chosen();
    const taken = uploads.take("new");
    expect(names("new", await opened("instead"))).toEqual(["1.txt ready"]);
    uploads.begun("new", taken);
    expect(names("new", await opened("instead"))).toEqual([]);
  });

  it("come back with it where it is taken back", async () => {
    await chosen();
    const taken = uploads.take("new");
    uploads.putBack("new", taken);
    expect(names()).toEqual(["1.txt ready"]);
  });

  it("that waits for its turn are remembered for the conversation that is made", async () => {
    await chosen();
    const taken = uploads.take("new");
    uploads.moveTaken("new", "id", taken);
    const later = await opened("instead");
    expect([names("new", later), names("id", later)]).toEqual([[], ["1.txt ready"]]);
    later.begun("id", later.take("id"));
    expect(names("id", await opened("instead"))).toEqual([]);
  });

  it("go along to the conversation that is made, on their way or not", async () => {
    uploads.add("new", [text("a")], LIMITS);
    uploads.move("new", "id");
    sent[0]?.done(kept("1"));
    await settled();
    expect(names("id")).toEqual(["a ready"]);
    expect(names()).toEqual([]);
  });
});

describe("files of a draft", () => {
  const shown = (of: Uploads) => of.at("new").map(({ name, status }) => `${name} ${status}`);

  async function chosen() {
    uploads.add("new", [text("a")], LIMITS);
    sent.at(-1)?.done(kept("1"));
    await vi.advanceTimersByTimeAsync(0);
  }

  it("are held for as long as they lie there", async () => {
    vi.useFakeTimers();
    await chosen();
    expect(held).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(3 * HELD_EVERY);
    expect(held.mock.calls).toEqual([["1"], ["1"], ["1"]]);
    // An hour is how long the server keeps what nobody asks for.
    expect(HELD_EVERY).toBeLessThan((60 * 60_000) / 2);
  });

  it("are held until its question has begun, however long that waits", async () => {
    vi.useFakeTimers();
    await chosen();
    const taken = uploads.take("new");
    await vi.advanceTimersByTimeAsync(3 * HELD_EVERY);
    expect(held.mock.calls).toEqual([["1"], ["1"], ["1"]]);
    uploads.begun("new", taken);
    await vi.advanceTimersByTimeAsync(HELD_EVERY);
    expect(held).toHaveBeenCalledTimes(3);
  });

  it("are held anew by the next page, which marks the one that is gone", async () => {
    vi.useFakeTimers();
    await chosen();
    held.mockRejectedValue(new ApiError({ status: 503 }));
    const later = new Uploads();
    expect(shown(later)).toEqual(["1.txt ready"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(held).toHaveBeenCalledWith("1");
    expect(shown(later)).toEqual(["1.txt ready"]);
    held.mockRejectedValue(new ApiError({ status: 404, reason: "FILE_NOT_FOUND" }));
    await vi.advanceTimersByTimeAsync(HELD_EVERY);
    expect(shown(later)).toEqual(["1.txt failed"]);
    // Not with a question, and not on the next page.
    expect(later.take("new")).toEqual([]);
    expect(shown(new Uploads())).toEqual([]);
    later.clear();
  });
});
