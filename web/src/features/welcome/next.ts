/** Where one wanted to go before logging in: a path of ours by `?next=`, else the start. */
export function nextOf(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  // "//host" and "/\host" are other places.
  return /^\/(?![/\\])/.test(next) ? next : "/";
}
