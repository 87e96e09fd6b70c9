package auth

import (
	"fmt"
	"net/http"
	"time"
)

// Refusal is an error that says why somebody may not do something.
type Refusal struct {
	Status int    // of HTTP
	Code   string // for programs
	Text   string
	Hint   string        // the way out, "" = none
	Wait   time.Duration // until the next try, 0 = no matter
}

func (r *Refusal) Error() string { return r.Text }

// errBadLogin is the same for every reason, so that nobody learns which accounts there are.
var errBadLogin = &Refusal{Status: http.StatusUnauthorized, Code: "bad_login", Text: "the name or the password is wrong"}

var errBadToken = &Refusal{Status: http.StatusUnauthorized, Code: "bad_token", Text: "the token is unknown, expired or revoked"}

var errBasic = &Refusal{Status: http.StatusUnauthorized, Code: "bad_token", Text: "the password of basic authentication is no valid API token", Hint: "send a token as the password; make one in Settings or with bluetrail user token add"}

var errBusy = &Refusal{Status: http.StatusServiceUnavailable, Code: "busy", Text: "too many people are signing in at this moment", Hint: "try again in a few seconds", Wait: 5 * time.Second}

func throttled(wait time.Duration) *Refusal {
	wait = wait.Truncate(time.Second) + time.Second
	return &Refusal{Status: http.StatusTooManyRequests, Code: "throttled", Text: fmt.Sprintf("too many failed tries; try again in %s", wait), Wait: wait}
}

func bad(code, format string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: code, Text: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusConflict, Code: "conflict", Text: fmt.Sprintf(format, args...)}
}

func unknown(kind, name string) *Refusal {
	return &Refusal{Status: http.StatusNotFound, Code: "not_found", Text: fmt.Sprintf("there is no %s %q", kind, name)}
}
