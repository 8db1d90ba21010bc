// Package soak runs the gateway under load for long, and through outages. SOAK=60s test/redis/run ./test/soak runs it for that
// long; it needs a Redis.
package soak
