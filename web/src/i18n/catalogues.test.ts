import { expect, test, vi } from "vitest";
import type { FieldError } from "../api";
import { en } from "./en";
import { formats } from "./format";
import { formatTag, languageOf } from "./languages";
import { zh } from "./zh";

type Leaf = { path: string; text: string };

/** What a text says that takes values: of fields, lists, or numbers. */
function said(part: (...given: unknown[]) => unknown, path: string): string {
  const field: FieldError = { field: "f", reason: "r", minimum: 3, maximum: 5 };
  if (path.startsWith(".fields")) return String(part(field));
  try {
    return String(part(3, 5, 7));
  } catch {
    return String(part(["3"], ["5"], ["7"]));
  }
}

/** Every text of a catalogue; those that take values are given some. */
function texts(part: unknown, path = ""): Leaf[] {
  if (typeof part === "string") return [{ path, text: part }];
  if (typeof part === "function") {
    return [{ path, text: said(part as (...given: unknown[]) => unknown, path) }];
  }
  if (typeof part !== "object" || part === null) return [];
  return Object.entries(part).flatMap(([name, value]) => texts(value, `${path}.${name}`));
}

// Names, which are the same in every language.
const NAMES = new Set([
  "Parley",
  "Top P",
  "OpenAI",
  "Anthropic",
  "Markdown",
  "简体中文",
  "ChatGPT",
  "Open WebUI",
  "LibreChat",
  "Cherry Studio",
  "NextChat",
]);

const HAN = /\p{Script=Han}/u;

test("each text is in Chinese where the Chinese catalogue says it", () => {
  const english = texts(en).filter(({ text }) => !NAMES.has(text) && HAN.test(text));
  expect(english).toEqual([]);
  const untold = texts(zh).filter(({ text }) => !NAMES.has(text) && !HAN.test(text));
  expect(untold).toEqual([]);
});

test("what is said of a reason is a sentence", () => {
  const ends = { en: /[.?!]$/, zh: /[。？！]$/ };
  const loose = [
    ...texts({ errors: en.errors, fields: en.fields }).filter(({ text }) => !ends.en.test(text)),
    ...texts({ errors: zh.errors, fields: zh.fields }).filter(({ text }) => !ends.zh.test(text)),
  ];
  expect(loose).toEqual([]);
});

test("a language is known by its tag", () => {
  expect(["zh-Hant-TW", "ZH", "en-GB", "fr", null].map(languageOf)).toEqual([
    "zh",
    "zh",
    "en",
    undefined,
    undefined,
  ]);
});

test("times are told in words of the language", () => {
  const now = Date.UTC(2026, 10, 27, 12);
  const { ago } = formats("en", en.common.justNow);
  expect(ago("2026-11-27T11:59:40Z", now)).toBe("just now");
  expect(ago("2026-11-27T11:57:00Z", now)).toBe("3 minutes ago");
  expect(ago("2026-11-26T12:00:00Z", now)).toBe("yesterday");
  const chinese = formats("zh-CN", zh.common.justNow).ago;
  expect(chinese("2026-11-27T11:57:00Z", now)).toBe("3分钟前");
  expect(zh.keys.usedAgo(chinese("2026-11-27T11:59:40Z", now))).toBe("刚刚使用过");
});

test("times are written as the region does of which the browser is", () => {
  const browser = vi.spyOn(navigator, "languages", "get");
  const tags = (...languages: string[]) => {
    browser.mockReturnValue(languages);
    return [formatTag("en"), formatTag("zh")];
  };
  expect(tags("en-GB", "en-US")).toEqual(["en-GB", "zh-CN"]);
  expect(tags("zh-TW", "en")).toEqual(["en", "zh-CN"]);
  expect(tags("de-DE")).toEqual(["en", "zh-CN"]);
  browser.mockRestore();
  expect(formats("en-GB", "").moment("2026-11-02T09:30")).toBe("2 Nov 2026, 09:30");
  expect(formats("en-US", "").day("2026-11-02T09:30")).toBe("Nov 2, 2026");
});

test("sentences that follow each other are set as the language sets them", () => {
  expect(formats("en", "").sentences("One.", "Two.")).toBe("One. Two.");
  expect(formats("zh-CN", "").sentences("第一句。", "第二句。")).toBe("第一句。第二句。");
});

test("one thing has one name in Chinese", () => {
  const others = /词元|模型服务(?!器)|侧栏|思考程度|停止文本|(?<!…)…(?!…)/u;
  expect(texts(zh).filter(({ text }) => others.test(text))).toEqual([]);
});
