import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { type ComponentProps, createRef } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { toast } from "../../ui/toast";
import { Composer, type ComposerHandle } from "./Composer";
import { drafts } from "./drafts";

afterEach(() => {
  cleanup();
  drafts.clear();
  localStorage.clear();
});

type Files = ComponentProps<typeof Composer>["files"];

function setUp({ entersSend = true, onStop }: { entersSend?: boolean; onStop?: () => void } = {}) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(["settings"], { enter_sends: entersSend });
  const handle = createRef<ComposerHandle>();
  const props = {
    draft: "new",
    handle,
    files: { chosen: [], limits: undefined, offered: false, add: vi.fn(), isWhole: true } as Files,
    onSend: vi.fn<(text: string) => void>(),
    blocked: false,
    onBlocked: vi.fn(),
    onStop,
    stopping: false,
    onEditLast: vi.fn(() => true),
    keys: {},
  };
  const page = (now: Partial<typeof props> = {}) => (
    <QueryClientProvider client={queries}>
      <Composer {...props} {...now} />
    </QueryClientProvider>
  );
  const { rerender } = render(page());
  const area = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
  return { ...props, area, again: (now: Partial<typeof props>) => rerender(page(now)) };
}

describe("Enter", () => {
  it("sends, and Shift+Enter breaks the line", async () => {
    const { onSend, area } = setUp();
    await userEvent.type(area, "one{Shift>}{Enter}{/Shift}two{Enter}");
    expect(onSend.mock.calls).toEqual([["one\ntwo"]]);
    expect(area.value).toBe("");
  });

  it("breaks the line where one wants that, and Ctrl+Enter sends", async () => {
    const { onSend, area } = setUp({ entersSend: false });
    await userEvent.type(area, "one{Enter}two");
    expect(onSend).not.toHaveBeenCalled();
    await userEvent.type(area, "{Control>}{Enter}{/Control}");
    expect(onSend.mock.calls).toEqual([["one\ntwo"]]);
  });

  it.each([
    ["composing", { isComposing: true, keyCode: 13 }],
    ["ended by Safari before the key", { isComposing: false, keyCode: 229 }],
  ])("is the input method's own while it is %s", (_when, event) => {
    const { onSend, area } = setUp();
    fireEvent.input(area, { target: { value: "你好" } });
    fireEvent.keyDown(area, { key: "Enter", ...event });
    expect(onSend).not.toHaveBeenCalled();
    fireEvent.keyDown(area, { key: "Enter", keyCode: 13 });
    expect(onSend.mock.calls).toEqual([["你好"]]);
  });
});

describe("the composer", () => {
  it("sends nothing that is blank, and nothing while it is blocked, which it tells", async () => {
    const { onSend, onBlocked, area, again } = setUp();
    await userEvent.type(area, "  {Enter}");
    again({ blocked: true });
    await userEvent.type(area, "text{Enter}");
    expect(onSend).not.toHaveBeenCalled();
    expect(onBlocked).toHaveBeenCalledTimes(1);
    expect(area.value).toBe("  text");
  });

  it("leaves what is typed alone when its conversation is made", async () => {
    const { area, again } = setUp();
    await userEvent.type(area, "next");
    drafts.acknowledged("new", "p", "question", "made");
    area.setSelectionRange(1, 2);
    again({ draft: "made" });
    expect([area.value, area.selectionStart, area.selectionEnd]).toEqual(["next", 1, 2]);
  });

  it("lets what a starter asks leave alone what is typed", async () => {
    const { area } = setUp();
    await userEvent.type(area, "half a thought");
    drafts.sending("new", "p", "a starter");
    drafts.acknowledged("new", "p", "question", "made");
    expect(drafts.of("made")).toBe("half a thought");
  });

  it("has another draft in another conversation", async () => {
    const { area, again } = setUp();
    await userEvent.type(area, "first");
    again({ draft: "other" });
    expect(area.value).toBe("");
    again({ draft: "new" });
    expect(area.value).toBe("first");
  });

  it("takes back what was not sent, in front of what is typed", async () => {
    const { area, handle } = setUp();
    await userEvent.type(area, "typed");
    handle.current?.insert("not sent");
    expect(area.value).toBe("not sent\n\ntyped");
    expect(drafts.of("new")).toBe("not sent\n\ntyped");
  });

  it("is gone back to at a desk, and not on a phone, whose keyboard would come", () => {
    const { area, handle } = setUp();
    area.blur();
    handle.current?.focus();
    expect(document.activeElement).toBe(area);
    area.blur();
    const touch = vi
      .spyOn(Object.getPrototypeOf(matchMedia("all")), "matches", "get")
      .mockReturnValue(true);
    handle.current?.focus();
    expect(document.activeElement).not.toBe(area);
    touch.mockRestore();
  });

  it("edits the last question on ↑, when there is nothing in it", async () => {
    const { area, onEditLast } = setUp();
    await userEvent.type(area, "{ArrowUp}x{ArrowUp}");
    expect(onEditLast).toHaveBeenCalledTimes(1);
  });

  it("stops what is being written", async () => {
    const onStop = vi.fn();
    setUp({ onStop });
    await userEvent.click(screen.getByRole("button", { name: "Stop" }));
    expect(onStop).toHaveBeenCalledTimes(1);
    expect(screen.queryByRole("button", { name: "Send" })).toBeNull();
  });

  it("sends what is typed while an answer is written, too", async () => {
    const { onSend, area } = setUp({ onStop: vi.fn() });
    await userEvent.type(area, "next");
    expect(screen.getByRole("button", { name: "Stop" })).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Send" }));
    expect(onSend.mock.calls).toEqual([["next"]]);
  });
});

describe("files", () => {
  const picture = new File(["x"], "square.png", { type: "image/png" });

  it("are waited for before a question is sent", async () => {
    const { onSend, onBlocked, area, again, files } = setUp();
    again({ files: { ...files, isWhole: false } });
    await userEvent.type(area, "What is it?{Enter}");
    expect(onSend).not.toHaveBeenCalled();
    expect(onBlocked).toHaveBeenCalled();
    expect(area.value).toBe("What is it?");
    again({ files: { ...files, isWhole: true } });
    await userEvent.type(area, "{Enter}");
    expect(onSend.mock.calls).toEqual([["What is it?"]]);
  });

  it("are pasted where they come alone, and not the picture of a text", () => {
    const { area, again, files } = setUp();
    again({ files: { ...files, offered: true } });
    const paste = (types: string[]) =>
      fireEvent.paste(area, { clipboardData: { files: [picture], types } });
    expect(paste(["Files", "text/plain"])).toBe(true);
    expect(files.add).not.toHaveBeenCalled();
    expect(paste(["Files"])).toBe(false);
    expect(files.add).toHaveBeenCalledWith([picture]);
  });

  it("have no button where none are kept", () => {
    setUp();
    expect(screen.queryByRole("button", { name: "Attach files" })).toBeNull();
  });
});

describe("a long text that is pasted", () => {
  const offered = () => {
    const { files, area, again } = setUp();
    const now = { ...files, offered: true };
    again({ files: now });
    return { add: vi.mocked(now.add), area };
  };
  const paste = (area: HTMLTextAreaElement, text: string) => {
    const clipboardData = { files: [], types: ["text/plain"], getData: () => text };
    fireEvent.paste(area, { clipboardData });
    fireEvent.input(area, { target: { value: `Look: ${text}` } });
  };

  it("goes along as a file where that is wanted", async () => {
    const { add, area } = offered();
    const text = "$& tea\n".repeat(2_000);
    paste(area, text);
    expect(add).not.toHaveBeenCalled();
    toast.act(toast.list().at(-1)?.id ?? 0);
    const [[file]] = add.mock.calls[0] as [[File]];
    expect(await file.text()).toBe(text);
    expect(area.value).toBe("Look: ");
  });

  it("is no matter where it is short", () => {
    const { area } = offered();
    const before = toast.list();
    paste(area, "tea");
    expect(toast.list()).toBe(before);
  });
});
