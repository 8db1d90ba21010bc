// Shows the description that the gateway serves beside this page.
Redoc.init("../openapi.json", { hideDownloadButton: false, expandResponses: "200" }, document.getElementById("redoc"));
