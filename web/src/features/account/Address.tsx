import { useEffect } from "react";
import { useText } from "../../i18n";
import { Dialog } from "../../ui/Dialog";
import { SecretField, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { FormFoot } from "../../ui/FormFoot";
import { toast } from "../../ui/toast";
import { CodeField } from "../welcome/CodeField";
import { useCode } from "../welcome/useCode";
import { useChangeProfile } from "./useChangeProfile";

const PLACES = { WRONG_PASSWORD: "password", EMAIL_TAKEN: "email", INVALID_CODE: "code" };

/** Another address, for the password; it is verified afterwards. */
export function AddressDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  return (
    <Dialog open={open} onClose={onClose} title={t.account.changeAddress}>
      <AddressForm onClose={onClose} />
    </Dialog>
  );
}

function AddressForm({ onClose }: { onClose: () => void }) {
  const t = useText();
  const change = useChangeProfile(() => {
    toast.show({ text: t.account.addressChanged });
    onClose();
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
      <FormFoot submit={t.account.changeAddress} pending={change.isPending} onCancel={onClose} />
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
      <VerifyForm email={email} onClose={onClose} />
    </Dialog>
  );
}

function VerifyForm({ email, onClose }: { email: string; onClose: () => void }) {
  const t = useText();
  const { send, ...code } = useCode("register");
  const change = useChangeProfile(() => {
    toast.show({ text: t.account.addressVerified });
    onClose();
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
      <FormFoot submit={t.account.verify} pending={change.isPending} onCancel={onClose} />
    </Form>
  );
}
