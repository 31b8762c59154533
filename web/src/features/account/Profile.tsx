import { useState } from "react";
import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { Badge, Row, Rows, Section } from "../../ui/Section";
import { toast } from "../../ui/toast";
import { AddressDialog, VerifyDialog } from "./Address";
import { useChangeProfile } from "./useChangeProfile";

type Me = Schema<"Profile">;

export function Profile({ me }: { me: Me }) {
  const t = useText();
  const [open, setOpen] = useState<"address" | "verify">();
  const change = useChangeProfile(() => toast.show({ text: t.common.saved }));
  return (
    <Section title={t.account.profile}>
      <Form
        error={change.error}
        onSubmit={(given) => change.mutate({ display_name: String(given.get("display_name")) })}
      >
        <TextField
          label={t.account.displayName}
          hint={t.account.displayNameHint}
          name="display_name"
          autoComplete="name"
          maxLength={64}
          defaultValue={me.display_name}
        />
        <div>
          <Button type="submit" pending={change.isPending}>
            {t.common.save}
          </Button>
        </div>
      </Form>
      <Rows label={t.account.profile}>
        <Row title={me.username} note={t.account.username} />
        <Row
          title={
            <>
              {me.email}
              <Badge tone={me.email_verified ? "good" : "warning"}>
                {me.email_verified ? t.account.verified : t.account.unverified}
              </Badge>
            </>
          }
          note={me.email_verified ? t.account.email : t.account.verifiedHint}
        >
          {!me.email_verified && (
            <Button small onClick={() => setOpen("verify")}>
              {t.account.verify}
            </Button>
          )}
          <Button small onClick={() => setOpen("address")}>
            {t.account.changeAddress}
          </Button>
        </Row>
      </Rows>
      <AddressDialog open={open === "address"} onClose={() => setOpen(undefined)} />
      <VerifyDialog open={open === "verify"} email={me.email} onClose={() => setOpen(undefined)} />
    </Section>
  );
}
