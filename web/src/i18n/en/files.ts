/** Files that are attached to questions. */
export const files = {
  attach: "Attach files",
  attached: "Attached files",
  limits: (maximum: string) => `pictures, PDF and text files, up to ${maximum} each`,
  drop: "Drop the files to attach them",
  tooMany: (most: number) => `A question takes at most ${most} files.`,
  waitForFiles: "Files are still being sent, or were not accepted. Wait, or remove them.",
  sending: (percent: number) => `Sending, ${percent} %`,
  cancel: (name: string) => `Cancel ${name}`,
  remove: (name: string) => `Remove ${name}`,
  again: (name: string) => `Send ${name} again`,
  open: (name: string) => `Open ${name}`,
  download: (name: string) => `Download ${name}`,
  save: "Download",
  deleted: "Deleted since",
  gone: "It lay here too long and is gone. Remove it, and choose it again.",
  notLoaded: "Not loaded",
  given: (name: string, characters: string, of: string) =>
    `${name}: ${characters} of ${of} characters`,
  shown: (name: string) => `${name}: shown as a picture`,
  notGiven: (name: string, why: string) => `${name} left out: ${why}`,
  causes: {
    DAMAGED: "The file is damaged or was cut off.",
    LOCKED: "The file is protected by a password. Send one that is not.",
    TOO_COMPLEX: "Reading this file takes too long.",
  } as Record<string, string>,
  whyNot: {
    DELETED: "deleted since",
    NO_ROOM: "no room for it",
    NOT_SEEN: "the model takes no pictures",
    NO_TEXT: "no text in it that could be read",
  } as Record<string, string>,
};
