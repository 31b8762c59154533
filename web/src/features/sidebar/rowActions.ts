import type { Session } from "./lists";

/** What can be done to a conversation in a list. */
export interface RowActions {
  open: (session: Session) => void;
  rename: (session: Session, title: string) => void;
  pin: (session: Session, pinned: boolean) => void;
  move: (session: Session) => void;
  exportIt: (session: Session) => void;
  /** Begins to choose several, with this one. */
  choose: (session: Session) => void;
  /** Ends the answer that is being written. Resolves once that was told. */
  stop: (session: Session) => Promise<void>;
  archive: (session: Session) => void;
  unarchive: (session: Session) => void;
  remove: (session: Session) => void;
  restore: (session: Session) => void;
  removeForGood: (session: Session) => void;
  /** Something of a row is open, by which the list has to stand still. */
  hold: (reason: string, holds: boolean) => void;
}
