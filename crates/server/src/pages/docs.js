"use strict";

SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // It would ask a host on the Internet whether the document is valid.
  validatorUrl: null,
});
