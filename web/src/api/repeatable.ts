/** A text that nobody else has; pages that come over plain HTTP have no crypto.randomUUID. */
function unique(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/**
 * Gives the Idempotency-Key of what is sent: the same for as long as the same is sent, so that
 * whoever presses again after a failure has one of it and not two.
 */
export function repeatable(): (body: unknown) => { "Idempotency-Key": string } {
  let said: string | undefined;
  let key = "";
  return (body) => {
    const says = JSON.stringify(body);
    if (says !== said) {
      said = says;
      key = unique();
    }
    return { "Idempotency-Key": key };
  };
}

/**
 * Makes something of what `of` names, by `make`, which is given the Idempotency-Key: until it is made, whoever
 * presses again means the same one. Behind that a press makes another.
 */
export function oncePerMade() {
  const keys = new Map<string, string>();
  return async <Made>(
    of: string,
    make: (headers: { "Idempotency-Key": string }) => Promise<Made>,
  ): Promise<Made> => {
    const key = keys.get(of) ?? unique();
    keys.set(of, key);
    const made = await make({ "Idempotency-Key": key });
    if (keys.get(of) === key) keys.delete(of);
    return made;
  };
}
