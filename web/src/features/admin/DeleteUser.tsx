import { useLocation } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { FormError } from "../../ui/Form";
import { toast } from "../../ui/toast";
import { type ManagedUser, useDeleteUser } from "./requests";

/** Asks before a user goes for good; the receipt can be looked at afterwards. */
export function DeleteUserDialog({
  user,
  onClose,
}: {
  user: ManagedUser | undefined;
  onClose: () => void;
}) {
  const t = useText();
  const [, go] = useLocation();
  const remove = useDeleteUser();
  function close() {
    remove.reset();
    onClose();
  }
  return (
    <Dialog
      open={user !== undefined}
      onClose={close}
      title={t.admin.deleteUserTitle(user?.username ?? "")}
      actions={
        <>
          <Button onClick={close}>{t.common.cancel}</Button>
          <Button
            look="danger"
            pending={remove.isPending}
            onClick={() =>
              user &&
              remove.mutate(user.id, {
                onSuccess({ erasure_id }) {
                  const look = () => go(routes.erased(erasure_id));
                  toast.show({
                    text: t.admin.deleted(user.username),
                    action: { label: t.admin.receipt, run: look },
                  });
                  close();
                },
              })
            }
          >
            {t.admin.deleteUser}
          </Button>
        </>
      }
    >
      <p>{t.admin.deleteUserAsk}</p>
      <FormError error={remove.error} />
    </Dialog>
  );
}
