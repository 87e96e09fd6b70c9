// Package webhook receives events by plain HTTP: from EventBridge API destinations, from
// Amazon Data Firehose by its own protocol, and from whoever sends what a file might be.
package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/source/inbox"
)

// durableTime is how long a client waits for its events to be durable at most.
const durableTime = time.Minute

// Handler answers the requests of one source.
type Handler struct {
	Source config.Source
	Inbox  *inbox.Inbox
	Tokens *inbox.Tokens
}

// answer is what a client is told.
type answer struct {
	status   int
	events   int    // new ones
	problems int    // records that could not be read
	err      string // "" = all is well
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Amz-Firehose-Request-Id")
	tell := tellPlain
	if id != "" {
		tell = func(w http.ResponseWriter, a answer) { tellFirehose(w, id, a) }
	}
	a := h.take(r, id)
	switch {
	case a.status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case a.status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case a.status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="bluetrail"`)
	case a.status == http.StatusRequestEntityTooLarge:
		w.Header().Set("Connection", "close")
	}
	if a.err != "" && a.problems == 0 && a.status != http.StatusServiceUnavailable {
		h.Inbox.Refused(a.err)
	}
	tell(w, a)
}

// take takes a request in and waits until its events are durable.
func (h *Handler) take(r *http.Request, id string) answer {
	if r.Method != http.MethodPost {
		return answer{status: http.StatusMethodNotAllowed, err: "use POST"}
	}
	token := h.token(r)
	switch {
	case token == nil:
		return answer{status: http.StatusUnauthorized, err: "the token is missing or wrong"}
	case token.Disabled:
		return answer{status: http.StatusForbidden, err: "the token is disabled"}
	case h.Inbox.Closed():
		return answer{status: http.StatusServiceUnavailable, err: "the server is stopping"}
	}
	body, err := h.Inbox.Read(r, int64(h.Source.Receiver.MaxBodyMiB)<<20)
	if err != nil {
		return failed(err)
	}
	part := inbox.Part{Meta: event.Meta{
		Index:      cmp.Or(token.Index, h.Source.Index, event.DefaultIndex),
		Sourcetype: cmp.Or(token.Sourcetype, h.Source.Sourcetype),
		Source:     cmp.Or(token.Source, "http:"+token.Name),
		Host:       cmp.Or(token.Host, h.Source.Host, event.DefaultHost),
	}}
	if id != "" {
		part.Stream = "firehose " + token.Name + " " + id
		if part.Pieces, err = firehose(body); err != nil {
			body.Release()
			return failed(err)
		}
	} else {
		if len(body.Text) == 0 {
			body.Release()
			return answer{status: http.StatusBadRequest, err: "the body is empty"}
		}
		part.Stream = fmt.Sprintf("http %s %x", token.Name, sha256.Sum256(body.Text))
		part.Pieces = []inbox.Piece{{Text: body.Text}}
	}
	parts := []inbox.Part{part}
	if len(part.Pieces) == 0 {
		parts = nil
	}
	outcome := make(chan inbox.Outcome, 1)
	if err := h.Inbox.Put(body, parts, func(o inbox.Outcome) { outcome <- o }); err != nil {
		body.Release()
		return failed(err)
	}
	if h.Source.Receiver.Reply == config.ReplyReceived {
		return answer{status: http.StatusOK}
	}
	timeout := time.NewTimer(durableTime)
	defer timeout.Stop()
	select {
	case o := <-outcome:
		switch {
		case !o.Durable:
			return answer{status: http.StatusServiceUnavailable, err: "the events could not be stored; send them again"}
		case o.Problems > 0:
			return answer{http.StatusBadRequest, o.Events, o.Problems, "records that could not be read were left out, the first one because: " + o.Problem}
		}
		return answer{status: http.StatusOK, events: o.Events}
	case <-timeout.C:
		return answer{status: http.StatusServiceUnavailable, err: "the events are not durable yet; send them again"}
	case <-r.Context().Done():
		return answer{status: http.StatusServiceUnavailable, err: "the client is gone"}
	}
}

// failed says why a request cannot be queued.
func failed(err error) answer {
	var large *inbox.TooLarge
	switch {
	case errors.Is(err, inbox.ErrBusy), errors.Is(err, inbox.ErrClosed):
		return answer{status: http.StatusServiceUnavailable, err: err.Error()}
	case errors.As(err, &large):
		return answer{status: http.StatusRequestEntityTooLarge, err: err.Error()}
	case errors.Is(err, inbox.ErrEncoding):
		return answer{status: http.StatusUnsupportedMediaType, err: err.Error()}
	}
	return answer{status: http.StatusBadRequest, err: err.Error()}
}

// token returns the token of a request, nil = none that is known.
func (h *Handler) token(r *http.Request) *config.Token {
	secret := cmp.Or(r.Header.Get("X-Amz-Firehose-Access-Key"), r.Header.Get("X-Api-Key"))
	if _, password, ok := r.BasicAuth(); ok {
		secret = password
	} else if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "Splunk")) {
		secret = strings.TrimSpace(rest)
	} else if header := r.Header.Get("Authorization"); header != "" && !ok {
		secret = header // an API destination whose key is the header's whole value
	}
	if secret == "" && h.Source.Receiver.QueryToken {
		secret = r.URL.Query().Get("token")
	}
	if secret == "" {
		return nil
	}
	return h.Tokens.Find(secret)
}

func tellPlain(w http.ResponseWriter, a answer) {
	out := map[string]any{"events": a.events}
	if a.err != "" {
		out["error"] = a.err
	}
	if a.problems > 0 {
		out["problems"] = a.problems
	}
	tellJSON(w, a.status, out)
}

func tellJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone otherwise
}
