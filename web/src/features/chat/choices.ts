import { useState } from "react";
import { remembered } from "../../session";
import { readStored, writeStored } from "../../ui/storage";
import type { NewSession } from "./pending";
import type { Key } from "./queries";

/** What a new conversation is to be like; what is absent is as it comes. */
export type Choices = Partial<NewSession>;

const nameOf = () => `model.${remembered()?.id ?? ""}`;

function lastModel(): Choices {
  try {
    const { key_id, model } = JSON.parse(readStored(nameOf()) ?? "{}");
    return { ...(key_id && { key_id }), ...(model && { model }) };
  } catch {
    // Of another version, or touched by hand.
    return {};
  }
}

/** The connection and model that were chosen last, which new conversations begin with. */
export function rememberModel(key_id: string | null, model: string | null): void {
  writeStored(nameOf(), JSON.stringify({ key_id, model }));
}

/** The choices without a connection that is gone. */
export function knownChoices(choices: Choices, keys: readonly Key[] | undefined): Choices {
  const gone =
    keys !== undefined && choices.key_id && !keys.some(({ id }) => id === choices.key_id);
  return gone ? { ...choices, key_id: null, model: null } : choices;
}

/** The persona that the address names, as the page of personas has it in its links. */
function personaOfAddress(): Choices {
  const persona = new URLSearchParams(location.search).get("persona");
  return persona ? { persona } : {};
}

export function useChoices() {
  const [choices, set] = useState<Choices>(() => ({ ...lastModel(), ...personaOfAddress() }));
  const change = (given: Choices) => set((before) => ({ ...before, ...given }));
  return { choices, change };
}

/** The body that makes such a conversation; undefined: nothing of it has to be said. */
export function sessionOf(choices: Choices): NewSession | undefined {
  const said = Object.entries(choices).filter(
    ([name, value]) =>
      value !== undefined && value !== false && (value !== null || name === "persona"),
  );
  if (said.length === 0) return undefined;
  return { temporary: false, summary: false, ...Object.fromEntries(said) };
}
