import { beforeEach, expect, it, vi } from "vitest";
import { takeTokensFrom } from "../../api";
import { drafts } from "./drafts";
import { saveLeft } from "./left";

const note = { id: "n", title: "Tea", content: "Green", tags: [], pinned: false, version: 1 };
let asked: string[];
let open: Set<string>;
let refused: number | undefined;

beforeEach(() => {
  asked = [];
  open = new Set();
  refused = undefined;
  localStorage.clear();
  takeTokensFrom({ current: async () => "token", renew: async () => undefined });
  vi.spyOn(navigator, "locks", "get").mockReturnValue({
    request: async (name: string, _: object, work: (lock: object | null) => unknown) =>
      work(open.has(name) ? null : {}),
  } as never);
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(request.method);
    if (refused !== undefined) return Response.json({ status: refused }, { status: refused });
    if (request.method === "GET") return Response.json(note);
    return Response.json({ ...note, ...(await request.json()), version: 2 });
  });
});

const leave = (version = 1) => drafts.write("n", { version, unsaved: { content: "Green, black" } });

it("saves what was left, which then is no draft any more", async () => {
  leave();
  const told = vi.fn();
  const forget = drafts.subscribe(told);
  await saveLeft();
  forget();
  expect(asked).toEqual(["GET", "PATCH"]);
  expect(drafts.ids()).toEqual([]);
  expect(told).toHaveBeenCalled();
});

it("leaves to other pages what they have open", async () => {
  leave();
  open.add("parley.note.n");
  await saveLeft();
  expect(asked).toEqual([]);
  expect(drafts.ids()).toEqual(["n"]);
});

it("keeps what was changed elsewhere meanwhile, to be asked about", async () => {
  leave(0);
  await saveLeft();
  expect(asked).toEqual(["GET"]);
  expect(drafts.ids()).toEqual(["n"]);
});

it.each([
  [404, []],
  [403, ["n"]],
])("forgets what is deleted, and nothing else: %i", async (status, left) => {
  leave();
  refused = status;
  await saveLeft();
  expect(drafts.ids()).toEqual(left);
});
