// Package hec receives events by the protocol of Splunk's HTTP Event Collector, so that
// forwarders which send to Splunk can send here.
package hec

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/source/inbox"
)

// Path is where all addresses of the protocol begin.
const Path = "/services/collector"

// durableTime is how long a client waits for its events to be durable at most.
const durableTime = time.Minute

// Handler answers the requests of one source.
type Handler struct {
	Source config.Source
	Inbox  *inbox.Inbox
	Tokens *inbox.Tokens

	acks acks
}

// ServeHTTP implements http.Handler for Path and what is below it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutSuffix(strings.TrimPrefix(strings.TrimSuffix(r.URL.Path, "/"), Path), "/1.0")
	method, serve := http.MethodPost, h.events
	switch path {
	case "", "/event":
	case "/raw":
		serve = h.raw
	case "/ack":
		serve = h.asked
	case "/health":
		h.health(w, r)
		return
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		http.Error(w, "use "+method, http.StatusMethodNotAllowed)
		return
	}
	token, why := h.token(r)
	if token == nil {
		h.refuse(w, of(why), "")
		return
	}
	serve(w, r, token)
}

func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
	case h.Inbox.Closed():
		of(stopping).write(w)
	case h.Inbox.Full():
		of(queuesFull).write(w)
	default:
		of(healthy).write(w)
	}
}

// refuse answers a request that is not taken.
func (h *Handler) refuse(w http.ResponseWriter, to reply, why string) {
	if to.Code != busy {
		h.Inbox.Refused(cmp.Or(why, to.Text))
	}
	to.write(w)
}

// token returns the token of a request, or why there is none.
func (h *Handler) token(r *http.Request) (*config.Token, code) {
	secret := r.URL.Query().Get("token")
	header := r.Header.Get("Authorization")
	_, password, basic := r.BasicAuth()
	scheme, rest, _ := strings.Cut(header, " ")
	switch {
	case basic:
		secret = password
	case header != "" && (strings.EqualFold(scheme, "Splunk") || strings.EqualFold(scheme, "Bearer")):
		secret = strings.TrimSpace(rest)
	case header != "":
		return nil, invalidAuth
	case secret == "":
		return nil, tokenRequired
	case !h.Source.Receiver.QueryToken:
		return nil, queryDisallowed
	}
	if secret == "" {
		return nil, tokenRequired
	}
	t := h.Tokens.Find(secret)
	switch {
	case t == nil:
		return nil, invalidToken
	case t.Disabled:
		return nil, tokenDisabled
	}
	return t, success
}

// channelOf returns the channel of a request, "" = none.
func channelOf(r *http.Request, query url.Values) (name string, ok bool) {
	name = cmp.Or(r.Header.Get("X-Splunk-Request-Channel"), query.Get("channel"))
	for _, c := range name {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", false
		}
	}
	return name, len(name) <= 128
}

// request is one that brings events.
type request struct {
	*http.Request
	token   *config.Token
	channel string
	body    *inbox.Body
	meta    event.Meta
	time    int64
}

// open reads a request that brings events. ok is false if it was answered.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, token *config.Token) (q *request, ok bool) {
	query := r.URL.Query()
	channel, valid := channelOf(r, query)
	switch {
	case h.Inbox.Closed():
		of(stopping).write(w)
		return nil, false
	case token.Ack && channel == "" && valid:
		h.refuse(w, of(channelMissing), "")
		return nil, false
	case !valid:
		h.refuse(w, of(invalidChannel), "")
		return nil, false
	}
	q = &request{Request: r, token: token, channel: channel}
	q.meta = event.Meta{
		Index:      cmp.Or(query.Get("index"), token.Index, h.Source.Index, event.DefaultIndex),
		Sourcetype: cmp.Or(query.Get("sourcetype"), token.Sourcetype, h.Source.Sourcetype),
		Source:     cmp.Or(query.Get("source"), token.Source, "http:"+token.Name),
		Host:       cmp.Or(query.Get("host"), token.Host, h.Source.Host, event.DefaultHost),
	}
	if text := query.Get("time"); text != "" {
		if q.time, valid = parseTime(text); !valid {
			h.refuse(w, of(invalidFormat), "the time of a request is no number of seconds")
			return nil, false
		}
	}
	body, err := h.Inbox.Read(r, int64(h.Source.Receiver.MaxBodyMiB)<<20)
	if err != nil {
		h.failed(w, err)
		return nil, false
	}
	if len(body.Text) == 0 {
		body.Release()
		h.refuse(w, of(noData), "")
		return nil, false
	}
	q.body = body
	return q, true
}

// failed answers a request that cannot be queued.
func (h *Handler) failed(w http.ResponseWriter, err error) {
	var large *inbox.TooLarge
	switch {
	case errors.Is(err, inbox.ErrBusy):
		h.refuse(w, of(busy), "")
	case errors.Is(err, inbox.ErrClosed):
		of(stopping).write(w)
	case errors.As(err, &large):
		w.Header().Set("Connection", "close")
		h.refuse(w, reply{large.Error(), tooLarge, nil, nil}, large.Error())
	default:
		h.refuse(w, of(invalidFormat), err.Error())
	}
}

// events answers /services/collector/event.
func (h *Handler) events(w http.ResponseWriter, r *http.Request, token *config.Token) {
	q, ok := h.open(w, r, token)
	if !ok {
		return
	}
	p := parser{
		token: token, source: &h.Source, meta: q.meta, time: q.time, body: q.body, index: map[event.Meta]int{},
		stream: streamOf(token.Name, q.channel, q.body.Text),
	}
	if err := p.parse(); err != nil {
		q.body.Release()
		h.failed(w, err)
		return
	}
	h.put(w, q, p.parts, p.bad)
}

// raw answers /services/collector/raw. The body is what a file might be.
func (h *Handler) raw(w http.ResponseWriter, r *http.Request, token *config.Token) {
	q, ok := h.open(w, r, token)
	if !ok {
		return
	}
	if !Allowed(token, &h.Source, q.meta.Index) {
		q.body.Release()
		h.refuse(w, of(incorrectIndex), "")
		return
	}
	h.put(w, q, []inbox.Part{{Meta: q.meta, Stream: streamOf(token.Name, q.channel, q.body.Text), Pieces: []inbox.Piece{{Text: q.body.Text, Time: q.time}}}}, reply{})
}

// put queues the parts of a request and answers it. bad is what is wrong with an event
// that is not among them.
func (h *Handler) put(w http.ResponseWriter, q *request, parts []inbox.Part, bad reply) {
	outcome := make(chan inbox.Outcome, 1)
	done := func(o inbox.Outcome) { outcome <- o }
	answer := of(success)
	name := q.token.Name + "\n" + q.channel
	var number uint64
	if q.token.Ack && bad.Code == success {
		var ok bool
		if number, ok = h.acks.open(name, time.Now()); !ok {
			q.body.Release()
			h.refuse(w, of(busy), "")
			return
		}
		answer.AckID = &number
		done = func(o inbox.Outcome) {
			if o.Durable {
				h.acks.durable(name, number)
			}
		}
	}
	if err := h.Inbox.Put(q.body, parts, done); err != nil {
		q.body.Release()
		h.failed(w, err)
		return
	}
	if bad.Code == success && (q.token.Ack || h.Source.Receiver.Reply == config.ReplyReceived) {
		answer.write(w)
		return
	}
	timeout := time.NewTimer(durableTime)
	defer timeout.Stop()
	select {
	case o := <-outcome:
		switch {
		case !o.Durable && h.Inbox.Closed():
			of(stopping).write(w)
		case !o.Durable:
			h.refuse(w, of(busy), "")
		case bad.Code != success:
			h.refuse(w, bad, "")
		case o.Problems > 0:
			of(invalidFormat).write(w)
		default:
			answer.write(w)
		}
	case <-timeout.C:
		h.refuse(w, of(busy), "")
	case <-q.Context().Done(): // the client is gone
	}
}

// maxAsked bounds a request for acknowledgements.
const maxAsked = 1 << 20

// asked answers /services/collector/ack.
func (h *Handler) asked(w http.ResponseWriter, r *http.Request, token *config.Token) {
	channel, valid := channelOf(r, r.URL.Query())
	switch {
	case !token.Ack:
		h.refuse(w, of(ackDisabled), "")
		return
	case !valid:
		h.refuse(w, of(invalidChannel), "")
		return
	case channel == "":
		h.refuse(w, of(channelMissing), "")
		return
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAsked+1))
	var asked struct {
		Acks []uint64 `json:"acks"`
	}
	if err == nil && len(text) > maxAsked {
		err = fmt.Errorf("a request for acknowledgements is larger than %d bytes", maxAsked)
	}
	if err == nil {
		err = json.Unmarshal(text, &asked)
	}
	if err != nil || asked.Acks == nil {
		h.refuse(w, of(invalidFormat), "a request for acknowledgements cannot be read")
		return
	}
	out := make(map[uint64]bool, len(asked.Acks))
	for _, n := range asked.Acks {
		out[n] = h.acks.ask(token.Name+"\n"+channel, n, time.Now())
	}
	writeJSON(w, http.StatusOK, map[string]any{"acks": out})
}
