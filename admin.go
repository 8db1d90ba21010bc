package bedrockgateway

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/status"
)

func init() {
	caddy.RegisterModule(Admin{})
}

// Admin serves the state of all gateways of the process, as JSON, at
// `GET /bedrock_gateway/status` of Caddy's admin API: upstreams, and what models
// and users have used. It has no settings, and is always there.
type Admin struct{}

// CaddyModule returns the Caddy module information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.bedrock_gateway", New: func() caddy.Module { return new(Admin) }}
}

// Provision has calls counted: the admin API is provisioned before the sites.
func (*Admin) Provision(caddy.Context) error {
	status.Process.Listened.Store(true)
	return nil
}

// Routes returns the routes of the admin API.
func (*Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: "/bedrock_gateway/status", Handler: caddy.AdminHandlerFunc(serveAdminStatus)}}
}

func serveAdminStatus(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: fmt.Errorf("method not allowed")}
	}
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(status.Process.JSON())
	return err
}

// Interface guards
var (
	_ caddy.Provisioner = (*Admin)(nil)
	_ caddy.AdminRouter = (*Admin)(nil)
)
