import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { ApiError, api, ok, type Schema } from "../../api";
import { repeatable } from "../../api/repeatable";
import { useText } from "../../i18n";
import { copy as putOnClipboard } from "../../markdown/clipboard";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SecretField, Select, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { QrCode } from "../../ui/QrCode";
import { Switch } from "../../ui/Switch";
import { toast } from "../../ui/toast";
import { limitsQuery } from "../files/transfer";
import { sharesKey, sharesQuery, useCanShare } from "./requests";
import styles from "./Share.module.css";
import { Shares } from "./Shares";

const DAY = 86_400;
const DAYS = [1, 7, 30, 365];

/** Makes a link to a conversation as it is now, which is shown once, and tells of those that there are. */
export default function ShareDialog({
  sessionId,
  onClose,
}: {
  sessionId: string;
  onClose: () => void;
}) {
  const t = useText();
  const [link, setLink] = useState<string>();
  const { data } = useInfiniteQuery(sharesQuery(sessionId));
  const canShare = useCanShare();
  return (
    <Dialog
      open
      wide
      title={link === undefined ? t.shares.dialog : t.shares.ready}
      onClose={onClose}
    >
      {link !== undefined && <LinkOnce link={link} onClose={onClose} />}
      {link === undefined && canShare && (
        <NewShare
          sessionId={sessionId}
          onMade={(url) => setLink(new URL(url, location.href).href)}
        />
      )}
      {data?.pages.some((page) => page.items.length > 0) && (
        <div className={styles.links}>
          <h3>{t.shares.links}</h3>
          <Shares sessionId={sessionId} />
        </div>
      )}
    </Dialog>
  );
}

function NewShare({ sessionId, onMade }: { sessionId: string; onMade: (url: string) => void }) {
  const t = useText();
  const queries = useQueryClient();
  const [reasoning, setReasoning] = useState(false);
  const [files, setFiles] = useState(false);
  const { data: limits } = useQuery(limitsQuery);
  // A second press, or a try after a lost answer, makes no second link.
  const [headersOf, renew] = useState(repeatable);
  const make = useMutation({
    mutationFn: (body: Schema<"NewShare">) =>
      ok(
        api.POST("/api/v1/chat/sessions/{session_id}/shares", {
          params: { path: { session_id: sessionId } },
          body,
          headers: headersOf(body),
        }),
      ),
    onSuccess(made) {
      onMade(made.url);
      return queries.invalidateQueries({ queryKey: sharesKey });
    },
    onError(error) {
      if (!(error instanceof ApiError && error.reason === "SHARE_ALREADY_SHOWN")) return;
      // It is there, and nobody has its link: it is to be revoked in the list, and the next press makes another.
      renew(repeatable);
      return queries.invalidateQueries({ queryKey: sharesKey });
    },
  });
  return (
    <Form
      error={make.error}
      onSubmit={(given) => {
        const days = Number(given.get("expires_in"));
        const views = String(given.get("max_views")).trim();
        const password = String(given.get("password"));
        make.mutate({
          audience: given.get("audience") === "members" ? "members" : "link",
          include_reasoning: reasoning,
          include_files: files,
          ...(days > 0 && { expires_in: days * DAY }),
          ...(views !== "" && { max_views: Number(views) }),
          ...(password !== "" && { password }),
        });
      }}
    >
      <p className={styles.quiet}>{t.shares.shown}</p>
      <div className={styles.two}>
        <Select label={t.shares.expiry} name="expires_in" defaultValue="7">
          {DAYS.map((days) => (
            <option key={days} value={days}>
              {t.account.days(days)}
            </option>
          ))}
          <option value="0">{t.shares.forever}</option>
        </Select>
        <Select label={t.shares.audience} name="audience" defaultValue="link">
          <option value="link">{t.shares.anyone}</option>
          <option value="members">{t.shares.members}</option>
        </Select>
        <SecretField
          label={t.shares.password}
          name="password"
          autoComplete="new-password"
          maxLength={256}
        />
        <TextField
          label={t.shares.maxViews}
          name="max_views"
          type="number"
          inputMode="numeric"
          min={1}
          max={1_000_000}
          step={1}
        />
      </div>
      <Switch
        label={t.shares.reasoning}
        hint={t.shares.reasoningHint}
        checked={reasoning}
        onChange={setReasoning}
      />
      {limits?.offered && (
        <Switch
          label={t.shares.files}
          hint={t.shares.filesHint}
          checked={files}
          onChange={setFiles}
        />
      )}
      <Button type="submit" look="primary" pending={make.isPending}>
        {t.shares.make}
      </Button>
    </Form>
  );
}

function LinkOnce({ link, onClose }: { link: string; onClose: () => void }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  async function copy() {
    try {
      await putOnClipboard({ text: link });
      setCopied(true);
    } catch {
      toast.show({ text: t.common.notCopied, tone: "danger" });
    }
  }
  return (
    <div className={styles.once}>
      <p>{t.shares.readyHint}</p>
      <code>{link}</code>
      <QrCode text={link} label={t.shares.qr} />
      <div className={styles.buttons}>
        <Button look="primary" icon={copied ? Check : Copy} autoFocus onClick={() => void copy()}>
          {copied ? t.common.copied : t.shares.copy}
        </Button>
        <Button onClick={onClose}>{t.common.close}</Button>
      </div>
    </div>
  );
}
