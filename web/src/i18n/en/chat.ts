/** What a model was given is told by these reasons for what it was not. */
const leftOut: Record<string, string> = {
  BEYOND_WINDOW: "older than the messages that are sent along",
  BEYOND_BUDGET: "no room for it in the model",
  BEYOND_CHARACTERS: "beyond the length that is ever sent",
  SUMMED_UP: "covered by the summary",
  BLANK: "without text",
  FAILED: "a question that was not answered",
};

/** Why the connection that was asked first did not answer; the answer of another one stands below. */
const fallbackReasons: Record<string, string> = {
  FIRST_TOKEN_TIMEOUT: "the model did not begin in time",
  PROVIDER_BROKE: "the model server broke off",
  PROVIDER_EMPTY: "the model answered nothing",
  PROVIDER_ENDED_EARLY: "the model server ended before the first word",
  PROVIDER_FAILED: "the model server failed",
  PROVIDER_GARBLED: "the model server sent what is no answer",
  PROVIDER_NAME_NOT_FOUND: "the model server was not found",
  PROVIDER_OVERLOADED: "the model server is overloaded",
  PROVIDER_QUOTA_EXCEEDED: "the credit at the provider is used up",
  PROVIDER_RATE_LIMITED: "the provider's limit is reached",
  PROVIDER_REFUSED_CONNECTION: "the model server cannot be reached",
  PROVIDER_TIMED_OUT: "the model server took too long",
  PROVIDER_TLS_FAILED: "the model server's certificate is not valid",
  PROVIDER_UNAUTHORIZED: "the model server did not accept the key",
  PROVIDER_UNREACHABLE: "the model server cannot be reached",
};

export const chat = {
  // The conversation.
  conversation: "Conversation",
  newChat: "New chat",
  youSaid: (text: string) => `You said ${text}`,
  answer: (text: string) => `Answer ${text}`,
  answering: "Answering",
  answered: (words: number) => (words === 1 ? "Done, one word" : `Done, ${words} words`),
  endedEarly: "The answer ended early",
  toEnd: "To the end",
  loadingOlder: "Loading older messages",
  reconnecting: "Reconnecting …",
  noMessages: "There is nothing in this conversation.",
  greeting: "What is on your mind?",
  temporaryHint: "A temporary chat: not in the list, and gone 24 hours after its last message.",
  temporary: "Temporary chat",
  noKey: "To ask a model you need a connection to one.",
  addKey: "Add a connection",
  notFound: "This conversation is not here. It may have been deleted.",

  // The composer.
  message: "Message",
  placeholder: "Ask anything",
  send: "Send",
  stop: "Stop",
  queue: "Queued questions",
  queued: "Queued: sent once the answer is there.",
  held: "Held back: what was asked before was not answered.",
  sendNow: "Send now",
  sending: "Sending …",
  notSent: "Not sent.",
  takeBack: "Back into the field",

  // Messages.
  thinking: "Thinking …",
  thought: "Thought",
  thoughtFor: (seconds: number) => `Thought for ${seconds} s`,
  copy: "Copy",
  edit: "Edit",
  editEnter: "Enter asks, Shift+Enter starts a new line, Esc closes",
  editModEnter: (key: string) => `${key} finishes, Esc closes`,
  regenerate: "Regenerate",
  regenerateWith: "Regenerate with another model",
  continue: "Continue",
  more: "More",
  previousVariant: "Previous variant",
  nextVariant: "Next variant",
  variantOf: (index: number, count: number) => `Variant ${index} of ${count}`,
  fork: "New chat from here",
  forked: "This is a new chat with the messages up to that point.",
  saveNote: "Save as note",
  savedAsNote: "Saved as a note.",
  openNote: "Open it",
  editedAnswer: "Edited by you",
  deleteTitle: "Delete this message?",
  deleteAsk: (messages: number) =>
    messages === 1
      ? "It is deleted for good."
      : `${messages} messages are deleted for good: this one and all that follow it, in all variants.`,
  deleteShares: "Shared links that show any of that stop working.",
  ask: "Ask",
  save: "Save",

  // How an answer ended.
  interrupted: "Interrupted.",
  cancelled: "Stopped.",
  cutAtLength: "The answer reached its maximum length.",
  filtered: "The model server withheld part of the answer.",
  fromCache: "From an earlier answer to the same question; no model was asked.",
  fallback: (name: string | null, why: string | undefined) =>
    `Answered by ${name ?? "another connection"} instead${why === undefined ? "." : `: ${why}.`}`,
  fallbackReasons,
  toKeys: "Check the connections",
  notSaved: "Not saved yet: this goes on by itself.",

  // What the model was given.
  context: "What the model was given",
  contextUsed: (used: string, of: string) => `${used} of ${of} available tokens`,
  contextTokens: (tokens: string) => `${tokens} tokens, estimated`,
  contextParts: "Given",
  contextLeftOut: "Left out",
  contextSummary: "Summary of older messages",
  instructions: "Instructions",
  question: "Question",
  answerRole: "Answer",
  partSize: (characters: string, tokens: string) => `${characters} characters, ${tokens} tokens`,
  leftOut,
  model: "Model",
  usage: "Tokens",
  usageOf: (prompt: string, completion: string) => `${prompt} read, ${completion} written`,
  cached: (tokens: string) => `${tokens} of them from the cache`,
  thoughtTokens: (tokens: string) => `${tokens} of them for thinking`,
  adapted: "Not accepted by the model server",
  leftAway: "left out",

  // What answers, and how.
  persona: "Persona",
  noPersona: "No persona",
  standardPersona: "Standard persona",
  chooseModel: "Choose a model",
  parameters: "Parameters",
  parametersHint: "What is left empty is as the connection sets it.",
  ownInstructions: "Instructions for this chat",
  summary: "Summarise what no longer fits",
  summaryHint: "The model gets the summary in place of older messages. It costs tokens.",
  takeKept: "Reuse answers",
  takeKeptHint:
    "The same question with the same messages before it gets the answer that it had, without asking the model again. In this browser, in all chats.",

  // Markdown.
  showAll: "Show all of it",
  showLess: "Show less",
  copyCode: "Copy the code",
  copyMarkdown: "Copy as Markdown",
  copyTable: "Copy the table",
  foldLines: "Show fewer lines",
  footnote: (number: number) => `Footnote ${number}`,
  footnotes: "Footnotes",
  backToText: (number: number, nth: number) =>
    nth === 1
      ? `Back to footnote ${number} in the text`
      : `Back to footnote ${number} in the text, ${nth}`,
  image: (text: string, host: string) => `Image: ${text || "without a description"} (${host})`,
  notCopied: "The browser did not let the page copy.",
  showLines: (lines: number) => `Show all ${lines} lines`,
  table: "Table",
  wrapLines: "Wrap long lines",
};
