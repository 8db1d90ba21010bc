// Shows the description that the gateway serves beside this page. Keys stay in the page's memory: a reload forgets them.
window.ui = SwaggerUIBundle({
	url: "../openapi.json",
	dom_id: "#swagger-ui",
	deepLinking: true,
	docExpansion: "list",
	defaultModelsExpandDepth: -1, // the schemas stand where they are used
	validatorUrl: null, // or the page would send the description to somebody else's validator
	persistAuthorization: false,
	// Swagger UI leaves the list of servers without a name for screen readers.
	onComplete: () => document.getElementById("servers")?.setAttribute("aria-label", "Server"),
});
