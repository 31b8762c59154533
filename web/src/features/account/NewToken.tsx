import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { api, ok, type Schema } from "../../api";
import { repeatable } from "../../api/repeatable";
import { useText } from "../../i18n";
import { copy as putOnClipboard } from "../../markdown/clipboard";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Select, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { FormFoot } from "../../ui/FormFoot";
import { toast } from "../../ui/toast";
import styles from "./Account.module.css";
import { tokensKey } from "./tokensKey";

type Scope = Schema<"NewToken">["scopes"][number];

const SCOPES: Scope[] = [
  "chat:read",
  "chat:write",
  "keys:read",
  "keys:write",
  "notes:read",
  "notes:write",
];
const DAYS = [7, 30, 90, 365];

/** Makes a token; its secret is shown once, until the dialog is shut. */
export function NewTokenDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  const [secret, setSecret] = useState<string>();
  function close() {
    setSecret(undefined);
    onClose();
  }
  return (
    <Dialog
      open={open}
      onClose={close}
      title={secret === undefined ? t.account.newToken : t.account.tokenMade}
    >
      {secret === undefined ? (
        <NewTokenForm onMade={setSecret} onClose={close} />
      ) : (
        <Secret secret={secret} onClose={close} />
      )}
    </Dialog>
  );
}

function NewTokenForm({
  onMade,
  onClose,
}: {
  onMade: (secret: string) => void;
  onClose: () => void;
}) {
  const t = useText();
  const queries = useQueryClient();
  const [scopes, setScopes] = useState<readonly Scope[]>(["chat:read"]);
  // A second press, or a try after a lost answer, makes no second token.
  const [headersOf] = useState(repeatable);
  const make = useMutation({
    mutationFn: (body: Schema<"NewToken">) =>
      ok(api.POST("/api/v1/tokens", { body, headers: headersOf(body) })),
    onSuccess(made) {
      onMade(made.token);
      return queries.invalidateQueries({ queryKey: tokensKey });
    },
  });
  return (
    <Form
      error={make.error}
      onSubmit={(given) => {
        const days = Number(given.get("days"));
        make.mutate({
          name: String(given.get("name")).trim(),
          scopes: [...scopes],
          ...(days > 0 && { expires_at: new Date(Date.now() + days * 86_400_000).toISOString() }),
        });
      }}
    >
      <TextField label={t.account.tokenName} name="name" maxLength={64} autoFocus required />
      <fieldset className={styles.scopes}>
        <legend>{t.account.tokenScopes}</legend>
        {SCOPES.map((scope) => (
          <label key={scope}>
            <input
              type="checkbox"
              name="scopes"
              checked={scopes.includes(scope)}
              onChange={({ target }) =>
                setScopes(
                  SCOPES.filter((one) => (one === scope ? target.checked : scopes.includes(one))),
                )
              }
            />
            {t.account.scopes[scope]}
          </label>
        ))}
        <p role="status" className={styles.wrong}>
          {scopes.length === 0 && t.account.tokenScopesNeeded}
        </p>
      </fieldset>
      <Select label={t.account.tokenExpiry} name="days" defaultValue="90">
        {DAYS.map((days) => (
          <option key={days} value={days}>
            {t.account.days(days)}
          </option>
        ))}
        <option value="0">{t.account.tokenForever}</option>
      </Select>
      <FormFoot
        submit={t.account.makeToken}
        pending={make.isPending}
        disabled={scopes.length === 0}
        onCancel={onClose}
      />
    </Form>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  async function copy() {
    try {
      await putOnClipboard({ text: secret });
      setCopied(true);
    } catch {
      toast.show({ text: t.common.notCopied, tone: "danger" });
    }
  }
  return (
    <div className={styles.secret}>
      <p>{t.account.tokenMadeHint}</p>
      <code>{secret}</code>
      <div className={styles.buttons}>
        <Button look="primary" icon={copied ? Check : Copy} autoFocus onClick={() => void copy()}>
          {copied ? t.common.copied : t.common.copy}
        </Button>
        <Button onClick={onClose}>{t.common.close}</Button>
      </div>
    </div>
  );
}
