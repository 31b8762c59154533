// What may become markup on this page. Swagger UI sets what it makes of Markdown as a string, which
// the browser hands to the default policy first: https://www.w3.org/TR/trusted-types/#default-policy-hdr
// DOMPurify, which Swagger UI brings along, has been at it before, and has a policy of its own. Scripts
// and their addresses have none: no string becomes one.
if (window.trustedTypes) {
  const elements = new Set(
    ("a blockquote br code del em h1 h2 h3 h4 h5 h6 hr ins li mark ol p pre strong sub sup " +
      "table tbody td th thead tr ul").split(" "),
  );
  const attributes = new Set(["align", "class", "href", "rel", "start", "target", "title"]);
  // Read into a document that is never shown and runs nothing.
  const inert = trustedTypes.createPolicy("parley-inert", { createHTML: (text) => text });

  function isPlain(node) {
    return (
      elements.has(node.localName) &&
      [...node.attributes].every(
        ({ name, value }) =>
          attributes.has(name) && (name !== "href" || /^(https?:\/\/|mailto:|[/#?])/i.test(value)),
      )
    );
  }

  trustedTypes.createPolicy("default", {
    createHTML(text) {
      const { head, body } = new DOMParser().parseFromString(inert.createHTML(text), "text/html");
      const plain = !head.childNodes.length && [...body.querySelectorAll("*")].every(isPlain);
      // null is refused by the browser.
      return plain ? text : null;
    },
  });
}
