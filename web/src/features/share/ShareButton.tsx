import { Link2, Share2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useText } from "../../i18n";
import { IconButton } from "../../ui/IconButton";
import { useCanShare, useSharedSessions } from "./requests";

const ShareDialog = lazy(() => import("./ShareDialog"));

/** Shows a conversation to others, where that may be; by its look one sees whether that is so already. */
export function ShareButton({ sessionId }: { sessionId: string | undefined }) {
  const t = useText();
  const [open, setOpen] = useState(false);
  const shared = useSharedSessions().has(sessionId ?? "");
  // A link from before is still there to be taken back.
  if (!useCanShare() && !shared) return null;
  return (
    <>
      <IconButton
        icon={shared ? Link2 : Share2}
        label={shared ? `${t.shares.share} (${t.shares.isShared})` : t.shares.share}
        disabled={sessionId === undefined}
        onClick={() => setOpen(true)}
      />
      {open && sessionId !== undefined && (
        <Suspense>
          <ShareDialog sessionId={sessionId} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
