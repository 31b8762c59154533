/** Addresses of pages, made in one place. */
export const routes = {
  home: "/",
  chat: (id: string) => `/c/${encodeURIComponent(id)}`,
  login: "/login",
  register: "/register",
  reset: "/reset",
  keys: "/keys",
  personas: "/personas",
  notes: "/notes",
  note: (id: string) => `/notes/${encodeURIComponent(id)}`,
  shares: "/shares",
  share: (token: string) => `/share/${encodeURIComponent(token)}`,
  account: "/account",
  usage: "/account/usage",
  erased: (id: string) => `/erased/${encodeURIComponent(id)}`,
  admin: "/admin",
  adminPart: (part: string) => `/admin/${part}`,
} as const;
