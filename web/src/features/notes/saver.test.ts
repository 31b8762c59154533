import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../api/errors";
import { open } from "./saver.testing";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a note that is written", () => {
  it("is saved once the writer pauses, in one request, and kept until then", async () => {
    const { remote, kept, saver } = open();
    saver.edit({ content: "Bread, t" });
    saver.edit({ content: "Bread, tea" });
    expect(kept.get("n")).toEqual({ version: 1, unsaved: { content: "Bread, tea" } });
    expect(saver.saving().status).toBe("writing");
    await vi.advanceTimersByTimeAsync(900);
    expect(remote.requests).toEqual([[{ content: "Bread, tea" }, 1]]);
    expect(saver.saving().status).toBe("saved");
    expect(kept.size).toBe(0);
  });

  it("sends what is written during a request behind it, with the version it then has", async () => {
    const { remote, saver } = open();
    let open_: () => void = () => undefined;
    remote.gate = new Promise((resolve) => (open_ = resolve));
    saver.edit({ content: "one" });
    await vi.advanceTimersByTimeAsync(900);
    saver.edit({ content: "one two" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(remote.requests).toHaveLength(1);
    open_();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(remote.requests.at(-1)).toEqual([{ content: "one two" }, 2]);
    expect(remote.note.content).toBe("one two");
    expect(saver.saving().status).toBe("saved");
  });

  it("sends once what was written while a slow request was under way, however often", async () => {
    const { remote, saver } = open();
    let open_: () => void = () => undefined;
    remote.gate = new Promise((resolve) => (open_ = resolve));
    saver.edit({ content: "1" });
    await vi.advanceTimersByTimeAsync(900);
    for (const content of ["1 2", "1 2 3", "1 2 3 4"]) {
      saver.edit({ content });
      await vi.advanceTimersByTimeAsync(900);
    }
    remote.gate = undefined;
    open_();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(remote.requests.slice(1)).toEqual([[{ content: "1 2 3 4" }, 2]]);
    expect(saver.saving().status).toBe("saved");
  });

  it("is tried again until the server is reached, and nothing is lost meanwhile", async () => {
    const { remote, kept, saver } = open();
    remote.away = true;
    saver.edit({ content: "offline" });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(saver.saving().status).toBe("failed");
    expect(kept.get("n")).toBeDefined();
    remote.away = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect([remote.note.content, saver.saving().status]).toEqual(["offline", "saved"]);
  });

  it("is finished at once where it has to be, with what came meanwhile, here and elsewhere", async () => {
    const { remote, saver } = open();
    let open_: () => void = () => undefined;
    remote.gate = new Promise((resolve) => (open_ = resolve));
    saver.edit({ content: "one" });
    const finished = saver.finish();
    saver.edit({ content: "one two" });
    remote.byAnother({ pinned: true });
    open_();
    await finished;
    expect(remote.note).toMatchObject({ content: "one two", pinned: true });
    expect(saver.saving().status).toBe("saved");
  });

  it.each([
    [0, true],
    [429, true],
    [500, true],
    [503, true],
    [403, false],
    [413, false],
    [422, false],
  ])("is kept where it is refused with %i; that it is tried again: %s", async (status, again) => {
    const { remote, kept, saver } = open();
    remote.change = vi.fn().mockRejectedValue(new ApiError({ status }));
    saver.edit({ content: "Bread, tea" });
    await vi.advanceTimersByTimeAsync(900);
    expect(saver.saving()).toMatchObject({ status: "failed", error: { status } });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(remote.change).toHaveBeenCalledTimes(again ? 2 : 1);
    expect(kept.get("n")).toBeDefined();
    saver.rest();
  });

  it("is not waited for where it cannot be saved", async () => {
    const { remote, kept, saver } = open();
    remote.away = true;
    saver.edit({ content: "offline" });
    await saver.finish();
    expect(saver.saving().status).toBe("failed");
    expect(kept.get("n")).toBeDefined();
  });

  it("is sent when the page goes, and kept for one that comes", async () => {
    const { remote, kept, saver } = open();
    saver.close();
    expect(remote.requests).toEqual([]);
    saver.edit({ content: "last words" });
    saver.close();
    expect(remote.requests).toEqual([[{ content: "last words" }, 1]]);
    await vi.waitFor(() => expect(remote.note.content).toBe("last words"));
    expect(kept.get("n")).toBeDefined();
  });

  it("keeps its title where the field was emptied", async () => {
    const { remote, saver } = open();
    saver.edit({ title: "  " });
    await vi.advanceTimersByTimeAsync(900);
    expect(remote.requests).toEqual([]);
    expect(saver.shown().title).toBe("Shopping");
    expect(saver.saving().status).toBe("saved");
  });
});

describe("a note that another screen changes too", () => {
  it("takes over what is another part of it", async () => {
    const { remote, saver, onSaved } = open();
    remote.byAnother({ pinned: true, tags: ["home", "week"] });
    saver.edit({ content: "mine" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(remote.note).toMatchObject({ content: "mine", pinned: true, tags: ["home", "week"] });
    expect(saver.saving().status).toBe("saved");
    expect(onSaved).toHaveBeenCalled();
  });

  it("counts what others' text has taken the place of, and nothing else", async () => {
    const { remote, saver } = open();
    remote.byAnother({ content: "theirs" });
    saver.edit({ title: "mine" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(saver.shown()).toMatchObject({ title: "mine", content: "theirs" });
    expect(saver.saving()).toMatchObject({ status: "saved", replaced: { title: 0, content: 1 } });
  });

  it.each([
    ["mine", "mine, longer"],
    ["theirs", "theirs"],
  ] as const)("asks whose text stays where both wrote it, and keeps %s", async (whose, stays) => {
    const { remote, kept, saver } = open();
    remote.byAnother({ content: "theirs" });
    saver.edit({ content: "mine" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(saver.saving()).toMatchObject({ status: "conflict", theirs: { content: "theirs" } });
    // One may go on writing; nothing is sent until it is settled.
    saver.edit({ content: "mine, longer" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(remote.requests).toHaveLength(1);
    expect(kept.get("n")).toBeDefined();
    await saver.settle(whose);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(remote.note.content).toBe(stays);
    expect(saver.shown().content).toBe(stays);
    expect(saver.saving().status).toBe("saved");
    expect(kept.size).toBe(0);
  });

  it("is no conflict where both wrote the same", async () => {
    const { remote, saver } = open();
    remote.byAnother({ content: "the same" });
    saver.edit({ content: "the same" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(saver.saving().status).toBe("saved");
  });

  it("says that it is gone where it was deleted", async () => {
    const { remote, saver } = open();
    remote.change = () => Promise.reject(new ApiError({ status: 404 }));
    saver.edit({ content: "late" });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(saver.saving().status).toBe("gone");
  });
});

describe("what was written before the page was closed", () => {
  it("goes on from where it was", async () => {
    const { remote, saver } = open();
    saver.takeUp({ version: 1, unsaved: { content: "from before" } });
    expect(saver.shown().content).toBe("from before");
    await vi.advanceTimersByTimeAsync(900);
    expect(remote.note.content).toBe("from before");
  });

  it("is saved where the server has it, of whichever version it was a change", async () => {
    const { remote, kept, saver } = open();
    kept.set("n", {});
    saver.takeUp({ version: 0, unsaved: { content: "Bread", tags: ["home"] } });
    expect(saver.saving().status).toBe("saved");
    expect(kept.size).toBe(0);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(remote.requests).toEqual([]);
  });

  it("is asked about where the note has been changed since", async () => {
    const { remote, saver } = open();
    saver.takeUp({ version: 0, unsaved: { content: "from before" } });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(saver.saving().status).toBe("conflict");
    expect(remote.requests).toEqual([]);
    await saver.settle("mine");
    expect(remote.note.content).toBe("from before");
  });
});
