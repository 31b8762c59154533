import { expect, test } from "vitest";
import { en } from "../../i18n/en";
import { zh } from "../../i18n/zh";
import { parameterName, parameterValue } from "./told";

test("parameters are told in the words of their fields", () => {
  expect(parameterName("max_tokens", en)).toBe(en.keys.maxTokens);
  expect(parameterName("reasoning_effort", zh)).toBe("思考强度");
  expect(parameterValue("reasoning_effort", "high", zh)).toBe("高");
  expect(parameterValue("temperature", 0.7, zh)).toBe("0.7");
  expect(parameterValue("stop", ["END"], en)).toBe('["END"]');
});

test("a parameter that is not known here has its own name", () => {
  expect(parameterName("min_p", zh)).toBe("min_p");
  expect(parameterValue("reasoning_effort", "xhigh", en)).toBe("xhigh");
});
