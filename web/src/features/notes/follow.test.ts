import { describe, expect, it } from "vitest";
import { open } from "./saver.testing";

describe("a note that one comes back to", () => {
  it("is as others have saved it meanwhile, and its next save is of that", async () => {
    const { remote, onSaved, saver } = open();
    await saver.follow();
    expect(saver.saving().replaced).toEqual({ title: 0, content: 0 });
    remote.byAnother({ content: "Bread, tea" });
    await saver.follow();
    expect(saver.shown().content).toBe("Bread, tea");
    expect(saver.saving().replaced).toEqual({ title: 0, content: 1 });
    expect(onSaved).toHaveBeenCalledWith(remote.note);
    saver.edit({ content: "Bread, tea, milk" });
    await saver.flush();
    expect([saver.saving().status, remote.note.content]).toEqual(["saved", "Bread, tea, milk"]);
  });

  it("stays as one writes it", async () => {
    const { remote, saver } = open();
    remote.byAnother({ content: "Tea" });
    const following = saver.follow();
    saver.edit({ content: "Bread, milk" });
    await following;
    expect(saver.shown().content).toBe("Bread, milk");
    await saver.flush();
    expect(saver.saving().status).toBe("conflict");
    await saver.follow();
    expect(saver.shown().content).toBe("Bread, milk");
  });

  it("stays where the server is not reached, and is known to be deleted", async () => {
    const { remote, saver } = open();
    remote.away = true;
    await saver.follow();
    expect(saver.saving().status).toBe("saved");
    remote.away = false;
    remote.gone = true;
    await saver.follow();
    expect(saver.saving().status).toBe("gone");
  });
});
