package upstream

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// FailingSettings say when a target of a route counts as failing. The words are reverse_proxy's, but here they are on by
// default. Failures are counted for each upstream and model, those of connecting for each upstream. A target that fails is
// passed over, and asked once where no other is left.
type FailingSettings struct {
	// How many failures within `fail_duration` make a target count as failing,
	// up to 100; 0 turns it off. Default: 5.
	MaxFails *int `json:"max_fails,omitempty"`

	// How long a failure is remembered; 0 turns it off. Default: `30s`.
	FailDuration *caddy.Duration `json:"fail_duration,omitempty"`

	// The HTTP statuses of the upstream that are failures; 5 stands for all of
	// 500 to 599. Default: all from 500 on.
	UnhealthyStatus []int `json:"unhealthy_status,omitempty"`
}

// Words returns the sub-directives that f reads:
//
//	max_fails        <n>
//	fail_duration    <duration>
//	unhealthy_status <codes...>
func (f *FailingSettings) Words() directive.Words {
	return directive.Words{
		"max_fails": {Read: func(d *caddyfile.Dispenser) error {
			n, err := directive.Int(d, 0)
			if err == nil && n > maxFailsKept {
				err = d.Errf("max_fails %d: must be at most %d", n, maxFailsKept)
			}
			f.MaxFails = &n
			return err
		}},
		"fail_duration": {Read: func(d *caddyfile.Dispenser) error { return directive.OptionalDuration(d, &f.FailDuration) }},
		"unhealthy_status": {Read: func(d *caddyfile.Dispenser) error {
			for _, text := range d.RemainingArgs() {
				status, err := parseStatus(text)
				if err != nil {
					return d.WrapErr(err)
				}
				f.UnhealthyStatus = append(f.UnhealthyStatus, status)
			}
			if len(f.UnhealthyStatus) == 0 {
				return d.ArgErr()
			}
			return nil
		}},
	}
}

// parseStatus reads a status such as 503, or a class such as 5xx.
func parseStatus(text string) (int, error) {
	digits, class := strings.CutSuffix(text, "xx")
	status, err := strconv.Atoi(digits)
	if err != nil || class && len(digits) != 1 || checkStatus(status) != nil {
		return 0, fmt.Errorf("unhealthy_status '%s': must be a status such as 503, or a class such as 5xx", text)
	}
	return status, nil
}

// checkStatus returns an error for what is neither a class of statuses of errors, nor one of its statuses.
func checkStatus(status int) error {
	if status == 4 || status == 5 || status >= 400 && status <= 599 {
		return nil
	}
	return fmt.Errorf("unhealthy_status %d: must be a status from 400 to 599, or 4 or 5 for a class", status)
}

func (f *FailingSettings) check() error {
	if f.MaxFails != nil && (*f.MaxFails < 0 || *f.MaxFails > maxFailsKept) {
		return fmt.Errorf("max_fails must be from 0 to %d", maxFailsKept)
	}
	if f.FailDuration != nil && *f.FailDuration < 0 {
		return fmt.Errorf("fail_duration must not be negative")
	}
	for _, s := range f.UnhealthyStatus {
		if err := checkStatus(s); err != nil {
			return err
		}
	}
	return nil
}

// over returns what f says, and what it leaves out as base has it.
func (f *FailingSettings) over(base Failing) Failing {
	if f.MaxFails != nil {
		base.MaxFails = *f.MaxFails
	}
	if f.FailDuration != nil {
		base.Duration = time.Duration(*f.FailDuration)
	}
	if f.UnhealthyStatus != nil {
		base.Statuses = f.UnhealthyStatus
	}
	return base
}

// set reports whether f says anything.
func (f *FailingSettings) set() bool {
	return f.MaxFails != nil || f.FailDuration != nil || f.UnhealthyStatus != nil
}
