import { useEffect } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SecretField, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { toast } from "../../ui/toast";
import { CodeField } from "../welcome/CodeField";
import { useCode } from "../welcome/useCode";
import { useChangeProfile } from "./Profile";

const PLACES = { WRONG_PASSWORD: "password", EMAIL_TAKEN: "email", INVALID_CODE: "code" };

/** Another address, for the password; it is verified afterwards. */
export function AddressDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  return (
    <Dialog open={open} onClose={onClose} title={t.account.changeAddress}>
      <AddressForm onDone={onClose} />
    </Dialog>
  );
}

function AddressForm({ onDone }: { onDone: () => void }) {
  const t = useText();
  const change = useChangeProfile(() => {
    toast.show({ text: t.account.addressChanged });
    onDone();
  });
  return (
    <Form
      error={change.error}
      places={PLACES}
      onSubmit={(given) =>
        change.mutate({
          email: String(given.get("email")).trim(),
          password: String(given.get("password")),
        })
      }
    >
      <TextField
        label={t.account.newAddress}
        name="email"
        type="email"
        autoComplete="email"
        autoFocus
        required
      />
      <SecretField
        label={t.account.yourPassword}
        name="password"
        autoComplete="current-password"
        required
      />
      <Button type="submit" look="primary" pending={change.isPending}>
        {t.account.changeAddress}
      </Button>
    </Form>
  );
}

/** The present address, by a code that goes there as soon as the dialog opens. */
export function VerifyDialog({
  open,
  email,
  onClose,
}: {
  open: boolean;
  email: string;
  onClose: () => void;
}) {
  const t = useText();
  return (
    <Dialog open={open} onClose={onClose} title={t.account.verifyTitle}>
      <VerifyForm email={email} onDone={onClose} />
    </Dialog>
  );
}

function VerifyForm({ email, onDone }: { email: string; onDone: () => void }) {
  const t = useText();
  const { send, ...code } = useCode("register");
  const change = useChangeProfile(() => {
    toast.show({ text: t.account.addressVerified });
    onDone();
  });
  useEffect(() => send(email), [send, email]);
  return (
    <Form
      error={code.error ?? change.error}
      places={PLACES}
      onSubmit={(given) => change.mutate({ code: String(given.get("code")).trim() })}
    >
      <CodeField
        hint={t.welcome.registerCodeSent(email)}
        wait={code.wait}
        pending={code.pending}
        onSend={() => send(email)}
      />
      <Button type="submit" look="primary" pending={change.isPending}>
        {t.account.verify}
      </Button>
    </Form>
  );
}
