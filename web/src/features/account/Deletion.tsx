import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, ok } from "../../api";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { session } from "../../session";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SecretField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { FormFoot } from "../../ui/FormFoot";
import { Section } from "../../ui/Section";

const PLACES = { WRONG_PASSWORD: "password" };

/** The end of the account, for the password; afterwards its receipt is shown. */
export function Deletion({ username }: { username: string }) {
  const t = useText();
  const [asking, setAsking] = useState(false);
  return (
    <Section title={t.account.deletion} hint={t.account.deletionHint}>
      <div>
        <Button onClick={() => setAsking(true)}>{t.account.deletion}</Button>
      </div>
      <Dialog open={asking} onClose={() => setAsking(false)} title={t.account.deletionTitle}>
        <DeletionForm username={username} onClose={() => setAsking(false)} />
      </Dialog>
    </Section>
  );
}

function DeletionForm({ username, onClose }: { username: string; onClose: () => void }) {
  const t = useText();
  const [, go] = useLocation();
  const end = useMutation({
    mutationFn: (password: string) => ok(api.DELETE("/api/v1/me", { body: { password } })),
    onSuccess({ erasure_id }) {
      // The address first: without a login any other leads to the log-in.
      go(routes.erased(erasure_id));
      session.ended();
    },
  });
  return (
    <Form
      error={end.error}
      places={PLACES}
      onSubmit={(given) => end.mutate(String(given.get("password")))}
    >
      <p>{t.account.deletionHint}</p>
      <input type="hidden" autoComplete="username" value={username} readOnly />
      <SecretField
        label={t.account.yourPassword}
        name="password"
        autoComplete="current-password"
        autoFocus
        required
      />
      <FormFoot
        submit={t.account.deletionConfirm}
        look="danger"
        pending={end.isPending}
        onCancel={onClose}
      />
    </Form>
  );
}
