import { lazy, Suspense } from "react";
import { Redirect, Route, Switch } from "wouter";
import ChatPage from "./features/chat/ChatPage";
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

const KeysPage = lazy(() => import("./features/keys/KeysPage"));
const PersonasPage = lazy(() => import("./features/personas/PersonasPage"));
const NotesPage = lazy(() => import("./features/notes/NotesPage"));
const AccountPage = lazy(() => import("./features/account/AccountPage"));
const AdminPage = lazy(() => import("./features/admin/AdminPage"));

/** All that is for those who are logged in. */
export default function Inside() {
  useApplySettings();
  return (
    <Shell>
      <ErrorBoundary>
        <Suspense fallback={<Starting />}>
          <Switch>
            <Route path={routes.home}>
              <ChatPage id={undefined} />
            </Route>
            <Route path="/c/:id">{({ id }) => <ChatPage id={id} />}</Route>
            <Route path={routes.keys} component={KeysPage} />
            <Route path={routes.personas} component={PersonasPage} />
            <Route path="/notes/:id?">{({ id }) => <NotesPage id={id} />}</Route>
            <Route path={routes.account} component={AccountPage} />
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
