import { lazy, Suspense } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import ChatPage from "./features/chat/ChatPage";
import { useLeft } from "./features/notes/useLeft";
import { Search } from "./features/search/Search";
import { LapsedDialog } from "./features/welcome/LapsedDialog";
import { nextOf } from "./features/welcome/next";
import { queries } from "./queries";
import { routes } from "./routes";
import { useApplySettings } from "./session/useApplySettings";
import { ErrorBoundary } from "./shell/ErrorBoundary";
import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";
import { Starting } from "./shell/Starting";
import { notices, readAgainAsTold, startLive } from "./stream";

startLive();
readAgainAsTold(queries, notices);

const pages = {
  keys: () => import("./features/keys/KeysPage"),
  personas: () => import("./features/personas/PersonasPage"),
  notes: () => import("./features/notes/NotesPage"),
  account: () => import("./features/account/AccountPage"),
};
const KeysPage = lazy(pages.keys);
const PersonasPage = lazy(pages.personas);
const NotesPage = lazy(pages.notes);
const AccountPage = lazy(pages.account);
const UsagePage = lazy(() => import("./features/usage/UsagePage"));
const SharesPage = lazy(() => import("./features/share/SharesPage"));
const AdminPage = lazy(() => import("./features/admin/AdminPage"));

// Pages that everybody has are here by the time they are asked for. What fails is fetched then.
setTimeout(() => {
  for (const load of Object.values(pages)) load().catch(() => undefined);
}, 3000);

/** All that is for those who are logged in. */
export default function Inside() {
  useApplySettings();
  useLeft();
  const [path] = useLocation();
  return (
    <Shell>
      <ErrorBoundary at={path}>
        <Suspense fallback={<Starting />}>
          <Switch>
            <Route path={routes.home}>
              <ChatPage id={undefined} />
            </Route>
            <Route path="/c/:id">{({ id }) => <ChatPage id={id} />}</Route>
            <Route path={routes.keys} component={KeysPage} />
            <Route path={routes.personas} component={PersonasPage} />
            <Route path="/notes/:id?">{({ id }) => <NotesPage id={id} />}</Route>
            <Route path={routes.shares} component={SharesPage} />
            <Route path={routes.account} component={AccountPage} />
            <Route path={routes.usage} component={UsagePage} />
            <Route path="/admin/:part?">{({ part }) => <AdminPage part={part} />}</Route>
            {[routes.login, routes.register, routes.reset].map((path) => (
              <Route key={path} path={path}>
                <Redirect to={nextOf(location.search)} replace />
              </Route>
            ))}
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </ErrorBoundary>
      <Search />
      <LapsedDialog />
    </Shell>
  );
}
