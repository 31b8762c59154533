import { useMemo, useRef, useState } from "react";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { SecretField, Select, TextArea, TextField } from "../../ui/Field";
import { Beside, FormDialog, MoreFields } from "../../ui/FormDialog";
import { ParameterFields } from "../parameters/ParameterFields";
import { keyOfForm, withHeadersAsOne } from "./given";
import styles from "./KeyDialog.module.css";
import { type Key, type Tested, useModels, useSaveKey, useTestUnsaved } from "./requests";
import { TestResult } from "./TestResult";

// What the server takes where nothing is said.
const USUAL = { temperature: 0.7, max_tokens: 2048 };

/** The form of a connection: a new one, or the `stored` one with everything but its key. */
export function KeyDialog({
  stored,
  others,
  onClose,
}: {
  stored: Key | undefined;
  others: readonly Key[];
  onClose: () => void;
}) {
  const t = useText();
  const { sentences } = useFormat();
  const place = useRef<HTMLDivElement>(null);
  const save = useSaveKey(stored?.id);
  const test = useTestUnsaved();
  const models = useModels(stored?.id ?? "", stored !== undefined);
  const [unreadable, setUnreadable] = useState<unknown>();
  const [keyGiven, setKeyGiven] = useState(false);
  const error = unreadable ?? save.error ?? test.error;
  const shown = useMemo(() => withHeadersAsOne(error), [error]);

  function read(use: (given: ReturnType<typeof keyOfForm>) => void) {
    const form = place.current?.closest("form");
    if (!form) return;
    save.reset();
    test.reset();
    try {
      const given = keyOfForm(new FormData(form), stored);
      setUnreadable(undefined);
      use(given);
    } catch (refused) {
      setUnreadable(refused);
    }
  }

  const tryIt = () =>
    read(({ name: _, fallback_key_id: __, headers, api_key = "", ...given }) =>
      test.mutate({ ...given, api_key, ...(headers ? { headers } : {}) }),
    );

  function take({ base_url, provider }: NonNullable<Tested["suggestion"]>) {
    const elements = place.current?.closest("form")?.elements;
    const set = (name: string, value: string | null | undefined) => {
      const field = elements?.namedItem(name);
      if (value && (field instanceof HTMLInputElement || field instanceof HTMLSelectElement))
        field.value = value;
    };
    set("base_url", base_url);
    set("provider", provider);
    tryIt();
  }

  return (
    <FormDialog
      title={stored ? t.keys.edit(stored.name) : t.keys.add}
      error={shown}
      onSubmit={() =>
        read((given) =>
          save.mutate(given as Parameters<typeof save.mutate>[0], { onSuccess: onClose }),
        )
      }
      onClose={onClose}
      pending={save.isPending}
      actions={
        (stored === undefined || keyGiven) && (
          <Button pending={test.isPending} onClick={tryIt}>
            {t.keys.testFirst}
          </Button>
        )
      }
    >
      <Beside ref={place}>
        <TextField
          label={t.keys.name}
          name="name"
          hint={t.keys.nameHint}
          autoComplete="off"
          autoFocus={stored === undefined}
          defaultValue={stored?.name}
        />
        <Select label={t.keys.provider} name="provider" defaultValue={stored?.provider ?? "openai"}>
          <option value="openai">{t.keys.openai}</option>
          <option value="anthropic">{t.keys.anthropic}</option>
        </Select>
      </Beside>
      <TextField
        label={t.keys.baseUrl}
        name="base_url"
        type="url"
        hint={stored ? sentences(t.keys.baseUrlHint, t.keys.apiKeyAgain) : t.keys.baseUrlHint}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        placeholder="https://api.openai.com/v1"
        defaultValue={stored?.base_url}
      />
      <SecretField
        label={t.keys.apiKey}
        name="api_key"
        // A manager of passwords would offer the one of the log-in, or keep this one.
        autoComplete="off"
        data-1p-ignore
        data-lpignore="true"
        hint={stored && t.keys.apiKeyKept(stored.masked_key)}
        onInput={(event) => setKeyGiven(event.currentTarget.value !== "")}
      />
      <TextField
        label={t.keys.model}
        name="model"
        hint={t.keys.modelHint}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        list="models-of-the-server"
        defaultValue={stored?.model}
      />
      <datalist id="models-of-the-server">
        {models.data?.map((model) => (
          <option key={model.id} value={model.id} />
        ))}
      </datalist>
      <MoreFields title={t.keys.more}>
        <ParameterFields values={stored?.parameters ?? USUAL} empty={t.keys.emptyMeansServer} />
        <TextArea
          label={t.keys.headers}
          name="headers"
          rows={2}
          autoComplete="off"
          spellCheck={false}
          hint={
            stored && stored.header_names.length > 0
              ? t.keys.headersKept(stored.header_names.join(", "))
              : t.keys.headersHint
          }
        />
        {stored && stored.header_names.length > 0 && (
          <label className={styles.check}>
            <input type="checkbox" name="headers_removed" /> {t.keys.headersRemoved}
          </label>
        )}
        <Select
          label={t.keys.fallback}
          name="fallback_key_id"
          hint={t.keys.fallbackHint}
          defaultValue={stored?.fallback_key_id ?? ""}
        >
          <option value="">{t.keys.noFallback}</option>
          {others.map((key) => (
            <option key={key.id} value={key.id}>
              {key.name}
            </option>
          ))}
        </Select>
      </MoreFields>
      <TestResult pending={test.isPending} result={test.data} onUse={take} />
    </FormDialog>
  );
}
