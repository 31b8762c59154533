import { useQueries, useQuery } from "@tanstack/react-query";
import type { Option } from "../../ui/Combobox";
import { type Key, keysQuery, modelsQuery } from "./queries";

/** A connection and a model as one value of a list; the model may hold any character but a newline. */
export const choiceOf = (keyId: string, model: string) => `${keyId}\n${model}`;

export function chosenBy(value: string): { key_id: string; model: string } {
  const at = value.indexOf("\n");
  return { key_id: value.slice(0, at), model: value.slice(at + 1) };
}

/** The connection that is used for what a conversation says, and its model. */
export function usedModel(
  keys: readonly Key[],
  keyId: string | null | undefined,
  model: string | null | undefined,
): { key: Key; model: string } | undefined {
  const key = keys.find((one) => one.id === keyId) ?? keys.find((one) => one.is_default) ?? keys[0];
  return key && { key, model: model ?? key.model };
}

/** Models of all connections, by connection; of those whose server was not asked yet, its own. */
export function useModelOptions(asked: boolean): {
  keys: readonly Key[] | undefined;
  options: Option[];
} {
  const { data: keys } = useQuery(keysQuery);
  const lists = useQueries({
    queries: (keys ?? []).map((key) => ({ ...modelsQuery(key.id), enabled: asked })),
  });
  const options = (keys ?? []).flatMap((key, index) => {
    const ids = new Set([
      key.model,
      ...key.models,
      ...(lists[index]?.data ?? []).map(({ id }) => id),
    ]);
    return [...ids].map((model) => ({
      value: choiceOf(key.id, model),
      label: model,
      group: key.name,
    }));
  });
  return { keys, options };
}
