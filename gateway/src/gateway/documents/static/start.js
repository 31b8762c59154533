// Swagger UI is started from a file of its own: the page's policy lets no inline script run.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // A token is a secret: it is forgotten with the page.
  persistAuthorization: false,
  // Nothing is sent to anybody else to be judged.
  validatorUrl: null,
});
