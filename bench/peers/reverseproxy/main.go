// Command reverseproxy is the least that a proxy in Go can be: net/http/httputil's, with nothing around it. bench measures
// it beside Caddy's reverse_proxy:
//
//	reverseproxy 127.0.0.1:8080 http://127.0.0.1:9000
package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reverseproxy:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: reverseproxy ADDRESS UPSTREAM")
	}
	upstream, err := url.Parse(args[1])
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
		// As many idle connections as are used, as in bench's other servers.
		Transport: &http.Transport{MaxIdleConnsPerHost: 4096},
	}
	server := &http.Server{Addr: args[0], Handler: proxy, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}
