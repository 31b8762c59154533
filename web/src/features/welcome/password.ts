/** The server's own bound: said before one types, and held by the server. */
export const PASSWORD_LEAST = 8;
