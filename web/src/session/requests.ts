import { ApiError, errorOf } from "../api/errors";
import type { components } from "../api/schema";

type Schemas = components["schemas"];
export type Grant = Schemas["Grant"];

/*
 * These go around the client of the rest of the API: they make the tokens that it sends.
 * The refresh token stays in a cookie that no script can read.
 */
async function post(path: string, body?: object, token?: string): Promise<Response> {
  const headers = new Headers();
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  let response: Response;
  try {
    response = await fetch(`/api/v1/auth/${path}`, {
      method: "POST",
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw new ApiError({ status: 0 });
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function logInWith(username: string, password: string): Promise<Grant> {
  return (await post("login", { username, password, use_cookie: true })).json();
}

export async function registerWith(
  given: Omit<Schemas["Registration"], "use_cookie">,
): Promise<Grant> {
  return (await post("register", { ...given, use_cookie: true })).json();
}

export async function refreshByCookie(): Promise<Grant> {
  return (await post("refresh")).json();
}

/** Ends the login; that it had ended already is as good. */
export async function logOutBy(token: string | undefined): Promise<void> {
  try {
    await post("logout", undefined, token);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
}
