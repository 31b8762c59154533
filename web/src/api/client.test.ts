import { beforeEach, expect, test, vi } from "vitest";
import { takeTokensFrom, uploading } from "./client";

/** A request whose other end is the test. */
class FakeRequest {
  static all: FakeRequest[] = [];
  readonly headers: Record<string, string> = {};
  readonly upload: { onprogress?: (at: { loaded: number; total: number }) => void } = {};
  onload: () => void = () => undefined;
  onerror: () => void = () => undefined;
  onabort: () => void = () => undefined;
  status = 0;
  responseText = "";
  sent: FormData | undefined;
  answered: Record<string, string> = {};
  readonly abort = vi.fn(() => this.onabort());

  constructor() {
    FakeRequest.all.push(this);
  }

  open(): void {}

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  getResponseHeader(name: string): string | null {
    return this.answered[name] ?? null;
  }

  send(form: FormData): void {
    this.sent = form;
  }

  answers(status: number, headers: Record<string, string> = {}): void {
    this.status = status;
    this.answered = headers;
    this.onload();
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const last = () => FakeRequest.all.at(-1) as FakeRequest;
const FORM = new FormData();

beforeEach(() => {
  FakeRequest.all = [];
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  takeTokensFrom({ current: async () => "old", renew: async () => "new" });
});

/** Begins one; `outcome` hears what came of it. */
async function uploads() {
  const ending = new AbortController();
  const shares: number[] = [];
  const onProgress = (share: number) => shares.push(share);
  const terms = { headers: { "Idempotency-Key": "k" }, onProgress, signal: ending.signal };
  const outcome = vi.fn();
  uploading("/api/v1/files", FORM, terms).then(outcome, outcome);
  await settled();
  return { ending, shares, outcome };
}

test("an upload says how far it is, and hands the answer on", async () => {
  const { shares, outcome } = await uploads();
  expect(last().headers).toEqual({ "Idempotency-Key": "k", Authorization: "Bearer old" });
  last().upload.onprogress?.({ loaded: 1, total: 4 });
  last().upload.onprogress?.({ loaded: 0, total: 0 });
  expect(shares).toEqual([0.25, 0]);
  last().answers(429, { "Retry-After": "7" });
  await settled();
  const answer: Response = outcome.mock.lastCall?.[0];
  expect([answer.status, answer.headers.get("Retry-After")]).toEqual([429, "7"]);
});

test("one that is given up is not sent any further", async () => {
  const { ending, outcome } = await uploads();
  ending.abort("given up");
  await settled();
  expect(last().abort).toHaveBeenCalledOnce();
  expect(outcome).toHaveBeenCalledExactlyOnceWith("given up");
});

test("one whose token was refused goes once more, with another and the same form", async () => {
  const { outcome } = await uploads();
  last().answers(401);
  await settled();
  expect(FakeRequest.all.map(({ headers }) => headers.Authorization)).toEqual([
    "Bearer old",
    "Bearer new",
  ]);
  expect(FakeRequest.all.map(({ sent }) => sent)).toEqual([FORM, FORM]);
  last().answers(401);
  await settled();
  expect(FakeRequest.all).toHaveLength(2);
  expect(outcome.mock.lastCall?.[0].status).toBe(401);
});
