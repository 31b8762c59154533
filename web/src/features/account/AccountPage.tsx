import { useText } from "../../i18n";
import { useMe, useSettings } from "../../session";
import { LoadError } from "../../ui/LoadError";
import { Page } from "../../ui/Page";
import { Spinner } from "../../ui/Spinner";
import { Export } from "../transfer/Export";
import { Import } from "../transfer/Import";
import { Appearance } from "./Appearance";
import { Conversations } from "./Conversations";
import { Deletion } from "./Deletion";
import { Logins } from "./Logins";
import { Password } from "./Password";
import { Profile } from "./Profile";
import { Tokens } from "./Tokens";
import { Usage } from "./Usage";

/** Everything about whoever is logged in. */
export default function AccountPage() {
  const t = useText();
  const me = useMe();
  const settings = useSettings();
  return (
    <Page title={t.common.account}>
      <LoadError of={[me, settings]} />
      {me.data && settings.data ? (
        <>
          <Profile me={me.data} />
          <Appearance settings={settings.data} />
          <Conversations settings={settings.data} />
          <Usage />
          <Password username={me.data.username} />
          <Logins />
          <Tokens />
          <Export />
          <Import />
          <Deletion username={me.data.username} />
        </>
      ) : (
        !(me.error ?? settings.error) && <Spinner />
      )}
    </Page>
  );
}
