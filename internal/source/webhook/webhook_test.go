package webhook

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/inbox"
)

const token = "0123456789abcdef"

// open returns a handler, and what was taken in: index, host and text of each record. It
// has acknowledged what it was sent before it answers.
func open(t *testing.T) (*Handler, *[]string) {
	t.Helper()
	t.Setenv("WEBHOOK_TEST_TOKEN", token)
	t.Setenv("WEBHOOK_TEST_DISABLED", "fedcba9876543210")
	src := config.Source{Kind: config.KindHTTP, Index: "events", Receiver: config.Receiver{MaxBodyMiB: 1, Tokens: []config.Token{
		{Name: "plain", Token: "env:WEBHOOK_TEST_TOKEN"}, {Name: "off", Token: "env:WEBHOOK_TEST_DISABLED", Disabled: true},
	}}}
	src.Receiver = src.Received()
	tokens, err := inbox.NewTokens(src.Receiver.Tokens, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h, got := &Handler{Source: src, Inbox: inbox.New(inbox.Options{Name: "http", Queue: 8 << 20}), Tokens: tokens}, &[]string{}
	go func() {
		for {
			b, err := h.Inbox.Next(t.Context())
			if err != nil {
				return
			}
			b.Ack(read(t, b, got))
		}
	}()
	return h, got
}

func read(t *testing.T, b *source.Batch, got *[]string) (res source.Result) {
	r, err := b.Open(new(atomic.Int64))
	if err != nil {
		t.Error(err)
		return res
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		var bad *event.RecordError
		switch {
		case errors.As(err, &bad):
			if res.Problems++; res.Problem == "" {
				res.Problem = bad.Error()
			}
		case err != nil:
			res.Done = err == io.EOF
			return res
		case rec.Kind == event.Control:
			*got = append(*got, "control")
		default:
			res.Events++
			*got = append(*got, b.Meta.Index+" "+b.Meta.Source+" "+string(rec.Raw))
		}
	}
}

// send sends a request; headers are "Name: value".
func send(h http.Handler, method, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/events", strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// record returns the n-th record.
func record(n int) string {
	return fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":"2026-03-01T10:00:00Z"}`, n)
}

func taken(t *testing.T, got *[]string, want ...string) {
	t.Helper()
	if a, b := strings.Join(*got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("taken in:\n%s\nwant\n%s", a, b)
	}
	*got = nil
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPlain sends what EventBridge sends and what a file may hold, with each way to give a
// token, and requests that are refused.
func TestPlain(t *testing.T) {
	h, got := open(t)
	const key = "X-Api-Key: " + token
	bridge := `{"version":"0","id":"x","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"111122223333","time":"2026-03-01T10:00:00Z","region":"us-east-1","resources":[],"detail":` + record(1) + `}`
	for _, tc := range []struct {
		body    string
		headers []string
		want    string
		taken   []int // numbers of records
	}{
		{bridge, []string{key}, `200 {"events":1}`, []int{1}},
		{`{"Records":[` + record(2) + "," + record(3) + `]}`, []string{"Authorization: Bearer " + token}, `200 {"events":2}`, []int{2, 3}},
		{record(4) + "\n" + record(5) + "\n", []string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("any:"+token))}, `200 {"events":2}`, []int{4, 5}},
		{record(6), []string{"Authorization: " + token}, `200 {"events":1}`, []int{6}},
		{zipped(t, record(7)), []string{key}, `200 {"events":1}`, []int{7}},
		{zipped(t, record(8)), []string{key, "Content-Encoding: gzip"}, `200 {"events":1}`, []int{8}},
		{record(9) + "\n{]\n" + record(10), []string{key}, `400 {"error":"records that could not be read were left out, the first one because: `, []int{9, 10}},

		{record(0), nil, `401 {"error":"the token is missing or wrong"`, nil},
		{record(0), []string{"X-Api-Key: " + token[1:]}, `401 {"error":"the token is missing or wrong"`, nil},
		{record(0), []string{"Authorization: Bearer"}, `401 {"error":"the token is missing or wrong"`, nil},
		{record(0), []string{"X-Api-Key: fedcba9876543210"}, `403 {"error":"the token is disabled"`, nil},
		{"", []string{key}, `400 {"error":"the body is empty"`, nil},
		{record(0), []string{key, "Content-Encoding: br"}, `415 {"error":"the Content-Encoding must be`, nil},
		{strings.Repeat(" ", 1<<20+1), []string{key}, `413 {"error":"Content-Length of 1048577 too large`, nil},
	} {
		w := send(h, http.MethodPost, tc.body, tc.headers...)
		if answer := fmt.Sprint(w.Code, " ", w.Body); !strings.HasPrefix(answer, tc.want) {
			t.Errorf("%.60q with %q: %s, want %s", tc.body, tc.headers, answer, tc.want)
		}
		var want []string
		for _, n := range tc.taken {
			want = append(want, "events http:plain "+record(n))
		}
		taken(t, got, want...)
	}
	if w := send(h, http.MethodGet, "", key); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
		t.Error(w.Code, w.Header())
	}
	r := httptest.NewRequest(http.MethodPost, "/events?token="+token, strings.NewReader(record(11)))
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("a token in the address is taken: %d", w.Code)
	}
	h.Source.Receiver.QueryToken = true
	r = httptest.NewRequest(http.MethodPost, "/events?token="+token, strings.NewReader(record(11)))
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Errorf("a token in the address is not taken: %d", w.Code)
	}
	taken(t, got, "events http:plain "+record(11))
	h.Inbox.Close()
	if w := send(h, http.MethodPost, record(0), key); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a server that stops answers %d", w.Code)
	}
}

// TestFirehose speaks Firehose's protocol: each record is base64, and may hold a record of
// CloudTrail, an event of EventBridge, or packed messages of CloudWatch Logs with those of
// control among them.
func TestFirehose(t *testing.T) {
	h, got := open(t)
	logs := func(kind string, messages ...string) string {
		var list []map[string]any
		for i, m := range messages {
			list = append(list, map[string]any{"id": fmt.Sprint(i), "timestamp": 1772359200000, "message": m})
		}
		text, err := json.Marshal(map[string]any{"messageType": kind, "owner": "111122223333", "logGroup": "g", "logStream": "s", "subscriptionFilters": []string{"f"}, "logEvents": list})
		if err != nil {
			t.Fatal(err)
		}
		return zipped(t, string(text))
	}
	request := func(data ...string) string {
		var list []string
		for _, d := range data {
			list = append(list, `{"data":"`+base64.StdEncoding.EncodeToString([]byte(d))+`"}`)
		}
		return `{"requestId":"r1","timestamp":1772359200000,"records":[` + strings.Join(list, ",") + `]}`
	}
	const id = "X-Amz-Firehose-Request-Id: r1"
	key := "X-Amz-Firehose-Access-Key: " + token
	events := func(numbers ...int) (want []string) {
		for _, n := range numbers {
			want = append(want, "events http:plain "+record(n))
		}
		return want
	}
	slashes := strings.Repeat("\xff", 9) // in base64: slashes, which some writers of JSON escape, as others do with =
	for _, tc := range []struct {
		body  string
		key   string
		want  int
		error string
		taken []string
	}{
		{request(record(1), `{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":`+record(2)+`}`), key, 200, "", events(1, 2)},
		{request(logs("DATA_MESSAGE", record(3), record(4)), logs("CONTROL_MESSAGE", "CWL CONTROL MESSAGE: Checking health of destination Firehose."), logs("DATA_MESSAGE", record(5))), key, 200, "", append(append(events(3, 4), "control"), events(5)...)},
		{strings.ReplaceAll(strings.ReplaceAll(request(record(6)+" ", `{"x":"`+slashes+`"}`), "/", `\/`), "=", `\u003d`), key, 200, "", append(events(6), `events http:plain {"x":"`+slashes+`"}`)},
		{`{"requestId":"r1","timestamp":1,"records":[]}`, key, 200, "", nil},
		{request(record(7), "{]"), key, 200, "", events(7)}, // it would come again for a day otherwise

		{request(record(0)), "X-Amz-Firehose-Access-Key: wrong", 401, "the token is missing or wrong", nil},
		{"[]", key, 400, "must be a JSON object", nil},
		{`{"requestId":"r1"}`, key, 400, "has no records", nil},
		{`{"records":[1]}`, key, 400, "record 1 is not an object", nil},
		{`{"records":[{"data":"e30="},{"date":""}]}`, key, 400, "record 2 has no data", nil},
		{`{"records":[{"data":"§"}]}`, key, 400, "the data of record 1 is not base64", nil},
		{`{"records":[{"data":"e30="}]} more`, key, 400, "does not end where it should", nil},
		{`{"records":[`, key, 400, "cannot read the Firehose request", nil},
	} {
		w := send(h, http.MethodPost, tc.body, id, tc.key)
		var answer struct {
			RequestID    string `json:"requestId"`
			Timestamp    int64  `json:"timestamp"`
			ErrorMessage string `json:"errorMessage"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Errorf("%.60q: %v", tc.body, err)
		}
		if w.Code != tc.want || answer.RequestID != "r1" || answer.Timestamp == 0 || (answer.ErrorMessage == "") != (tc.error == "") || !strings.Contains(answer.ErrorMessage, tc.error) {
			t.Errorf("%.60q: %d %s, want %d with %q", tc.body, w.Code, w.Body, tc.want, tc.error)
		}
		taken(t, got, tc.taken...)
	}
	if c := h.Inbox.Counts(); c.Bytes != 0 || c.Pending != 0 || c.Refused != 8 || c.Problems != 1 {
		t.Errorf("%+v", c)
	}
}
