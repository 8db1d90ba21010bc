package pages

import "embed"

// The pages of the API's description: Swagger UI and ReDoc as their makers distribute them, fetched and packed by the script
// `vendor`, with an index.html and an app.js of our own. Both set styles on elements, which a policy cannot tell from foreign
// ones; neither has a script within its HTML, or loads or asks anything but the gateway.
var (
	//go:embed docs
	docs embed.FS
	// Docs is Swagger UI.
	Docs = newPage(docs, "docs", policyOfDocs)

	//go:embed redoc
	redoc embed.FS
	// Redoc is ReDoc.
	Redoc = newPage(redoc, "redoc", policyOfDocs+"; worker-src blob:") // its search is a worker
)

const policyOfDocs = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
