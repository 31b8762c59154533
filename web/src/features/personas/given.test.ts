import { expect, it } from "vitest";
import { personaOfForm } from "./given";

function form(fields: Record<string, string>): FormData {
  const given = new FormData();
  for (const [name, value] of Object.entries(fields)) given.set(name, value);
  return given;
}

it("reads a persona, its prompt word for word and its starters by line", () => {
  const persona = personaOfForm(
    form({
      title: " Translator ",
      prompt: "  You translate.\n",
      starters: "Good morning\n\n 早上好 ",
      model: "",
      "parameters.temperature": "0.2",
    }),
  );
  expect(persona).toMatchObject({
    name: "Translator",
    title: "Translator",
    description: "",
    prompt: "  You translate.\n",
    model: null,
    starters: ["Good morning", "早上好"],
  });
  expect(persona.parameters?.temperature).toBe(0.2);
  expect(persona.parameters?.max_tokens).toBeNull();
});

it("keeps a name of its own beside the title", () => {
  expect(personaOfForm(form({ title: "译者", name: "translator" })).name).toBe("translator");
});

it.each([
  ["Tea master 🍵!", "Tea master"],
  ["🧑‍🍳 厨师（川菜）", "厨师 川菜"],
  ["❤️ Poet", "Poet"],
  ["Code: C++ / Rust", "Code C Rust"],
  ["می‌خواهم", "می‌خواهم"],
  ["... v1.2_b-c ...", "v1.2_b-c"],
  [`${"x".repeat(63)} y`, "x".repeat(63)],
  ["🍵", ""],
])("calls a persona that is titled %s and has no name %s", (title, name) => {
  expect(personaOfForm(form({ title })).name).toBe(name);
});
