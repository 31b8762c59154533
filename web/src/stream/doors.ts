import type { Transport } from "./connection";

/** After so many sockets that did not come through, although requests did, requests are used. */
const ENOUGH = 2;

/**
 * Opens sockets; and `http` in their place where proxies let requests through and no sockets. With
 * the next connection sockets are tried again.
 */
export function doors(
  socket: () => WebSocket,
  http: () => Transport,
  isReachable: () => Promise<boolean>,
): () => Transport {
  let blocked = 0;
  return () => {
    if (blocked >= ENOUGH) {
      blocked = 0;
      return http();
    }
    let opening: WebSocket;
    try {
      opening = socket();
    } catch {
      // An old browser, to which the page's policy allows no socket.
      return http();
    }
    let opened = false;
    opening.addEventListener("open", () => {
      opened = true;
      blocked = 0;
    });
    opening.addEventListener("close", async () => {
      if (!opened) blocked = (await isReachable()) ? blocked + 1 : 0;
    });
    return opening;
  };
}
