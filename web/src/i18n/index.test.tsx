import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { toast } from "../ui/toast";
import { loadTexts, TextProvider, useLanguage, useText } from ".";
import { en } from "./en";

// As where the file is not to be had: the network is down, or another release has been put there.
vi.mock("./zh", () => {
  throw new TypeError("Failed to fetch dynamically imported module");
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

test("who reads Chinese gets the page in English where the Chinese catalogue does not come", async () => {
  expect(await loadTexts("zh")).toEqual({ language: "en", texts: en });
});

test("a language that does not come is said, and the page stays as it was", async () => {
  const said = vi.spyOn(toast, "show");
  let change: (language: "zh") => Promise<void> = async () => undefined;
  function Page() {
    change = useLanguage().setLanguage;
    return <p>{useText().welcome.logIn}</p>;
  }
  render(
    <TextProvider first={{ language: "en", texts: en }}>
      <Page />
    </TextProvider>,
  );
  await act(() => change("zh"));
  expect(screen.getByText("Log in")).toBeDefined();
  expect(document.documentElement.lang).toBe("en");
  expect(said).toHaveBeenCalledWith(expect.objectContaining({ text: en.errors.UNKNOWN }));
});
