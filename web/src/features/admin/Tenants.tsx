import { useState } from "react";
import { repeatable } from "../../api/repeatable";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { LoadError } from "../../ui/LoadError";
import { Row, Rows, Section } from "../../ui/Section";
import { Spinner } from "../../ui/Spinner";
import { toast } from "../../ui/toast";
import styles from "./Admin.module.css";
import { useMakeTenant, useTenants } from "./requests";

const PLACES = { TENANT_NAME_TAKEN: "name" };

/** All tenants, and another one: for operators. */
export function Tenants() {
  const t = useText();
  const { day } = useFormat();
  const tenants = useTenants();
  const [headersOf] = useState(repeatable);
  const make = useMakeTenant(headersOf);
  return (
    <>
      <Section title={t.admin.tenants}>
        <LoadError of={[tenants]} />
        {tenants.isPending && <Spinner />}
        <Rows label={t.admin.tenants}>
          {tenants.data?.map(({ id, name, created_at }) => (
            <Row
              key={id}
              title={name}
              note={
                <>
                  {t.admin.since(day(created_at))} · <span className={styles.id}>{id}</span>
                </>
              }
            />
          ))}
        </Rows>
      </Section>
      <Section title={t.admin.newTenant}>
        <Form
          error={make.error}
          places={PLACES}
          onSubmit={(given, form) =>
            make.mutate(
              { name: String(given.get("name")).trim() },
              {
                onSuccess({ name }) {
                  form.reset();
                  toast.show({ text: t.admin.tenantMade(name) });
                },
              },
            )
          }
        >
          <TextField label={t.admin.tenantName} name="name" maxLength={64} required />
          <div>
            <Button type="submit" pending={make.isPending}>
              {t.admin.makeTenant}
            </Button>
          </div>
        </Form>
      </Section>
    </>
  );
}
