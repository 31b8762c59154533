import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/tokens.css";
import "./styles/base.css";
import { App, loadInside } from "./app";
import { loadTexts } from "./i18n";
import { chosenLanguage, LANGUAGES } from "./i18n/languages";
import { remembered, session } from "./session";
import { startUntilReached } from "./session/start";
import { keepPageFromDroppedFiles } from "./shell/droppedFiles";

// These are on their way before anything is drawn.
void startUntilReached(session.start);
if (remembered() !== undefined) void loadInside();
const spoken = await loadTexts(chosenLanguage());
document.documentElement.lang = LANGUAGES[spoken.language].tag;

keepPageFromDroppedFiles();
const place = document.getElementById("app");
if (place === null) throw new Error("index.html has no #app");
createRoot(place).render(
  <StrictMode>
    <App spoken={spoken} />
  </StrictMode>,
);
