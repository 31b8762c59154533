import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Redirect, Route, Switch, useRoute } from "wouter";
import { type Spoken, TextProvider } from "./i18n";
import { queries } from "./queries";
import { routes } from "./routes";
import { useSession } from "./session";
import { ErrorBoundary } from "./shell/ErrorBoundary";
import { Starting } from "./shell/Starting";
import { Toasts } from "./ui/Toasts";

const LoginPage = lazy(() => import("./features/welcome/LoginPage"));
const RegisterPage = lazy(() => import("./features/welcome/RegisterPage"));
const ResetPage = lazy(() => import("./features/welcome/ResetPage"));
const SharePage = lazy(() => import("./features/share/SharePage"));
const ErasedPage = lazy(() => import("./features/account/ErasedPage"));
const Inside = lazy(loadInside);

/** Fetches what is for those who are logged in: before it is asked for, where that is likely. */
export function loadInside() {
  return import("./inside");
}

export function App({ spoken }: { spoken: Spoken }) {
  return (
    <TextProvider first={spoken}>
      <QueryClientProvider client={queries}>
        <ErrorBoundary>
          <Suspense fallback={<Starting />}>
            <Doors />
          </Suspense>
        </ErrorBoundary>
        <Toasts />
      </QueryClientProvider>
    </TextProvider>
  );
}

/** Who is logged in goes in; who is not is shown the door, and comes back to where they were. */
function Doors() {
  const { status } = useSession();
  const [erased, erasure] = useRoute("/erased/:id");
  const [shared, share] = useRoute("/share/:token");
  if (shared) return <SharePage key={share.token} token={share.token} />;
  if (erased) return <ErasedPage id={erasure.id} />;
  if (status === "starting") return <Starting />;
  if (status !== "out") return <Inside />;
  return (
    <Switch>
      <Route path={routes.login} component={LoginPage} />
      <Route path={routes.register} component={RegisterPage} />
      <Route path={routes.reset} component={ResetPage} />
      <Route>
        <ToLogin />
      </Route>
    </Switch>
  );
}

function ToLogin() {
  const here = location.pathname + location.search;
  const back = here === "/" ? "" : `?next=${encodeURIComponent(here)}`;
  return <Redirect to={routes.login + back} replace />;
}
