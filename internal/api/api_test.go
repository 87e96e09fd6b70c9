package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"bluetrail/internal/auth"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// described returns openapi.yaml, checked.
var described = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(Description)
	if err != nil {
		return nil, err
	}
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	for _, kind := range []string{"text/html", "text/css", "text/csv"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
	return doc, doc.Validate(context.Background())
})

var describedPaths = sync.OnceValues(func() (routers.Router, error) {
	doc, err := described()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// TestDescription: openapi.yaml is valid, and describes exactly the routes that
// there are, with the operations of each in need of a sign-in unless the route
// lets everybody in.
func TestDescription(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		if item.Extensions["x-later"] == true { // its pages are being made; its route is to come
			continue
		}
		for method, op := range item.Operations() {
			if op.Extensions["x-coming"] == true {
				t.Logf("%s %s is described, and not there yet", method, path)
				continue
			}
			told[method+" "+path] = op.Security != nil && len(*op.Security) == 0
			if op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s has no operationId or no summary", method, path)
			}
		}
	}
	for _, r := range (&Server{}).routes() {
		pattern := strings.ReplaceAll(r.pattern, "...}", "}")
		open, found := told[pattern]
		switch {
		case !found:
			t.Errorf("openapi.yaml lacks %s", r.pattern)
		case open != (r.role == auth.None):
			t.Errorf("%s needs the role %s, and security in openapi.yaml says otherwise", r.pattern, r.role)
		}
		delete(told, pattern)
	}
	for pattern := range told {
		t.Errorf("openapi.yaml has %s, and there is no such route (x-coming: true says that it is on its way)", pattern)
	}
}

// as is an Identify for tests: everybody is somebody with a role.
func as(role auth.Role) func(*http.Request) (*auth.Principal, error) {
	return func(*http.Request) (*auth.Principal, error) {
		return &auth.Principal{Name: "ann", Role: role, Via: auth.ViaToken}, nil
	}
}

// ask sends a request to h, and fails where request or answer are not as
// openapi.yaml describes them. body is marshalled unless it is nil or text.
func ask(t *testing.T, h http.Handler, method, path string, body any) *httptest.ResponseRecorder {
	t.Helper()
	var data []byte
	switch body := body.(type) {
	case nil:
	case string:
		data = []byte(body)
	default:
		var err error
		if data, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	request := func() *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(data))
		if data != nil {
			kind := "application/json"
			if strings.Contains(path, "/import") && strings.Contains(path, "/l") { // lists and lookups
				kind = "text/csv"
			}
			r.Header.Set("Content-Type", kind)
		}
		return r
	}
	r := request()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request())
	paths, err := describedPaths()
	if err != nil {
		t.Fatal(err)
	}
	found, params, err := paths.FindRoute(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: found, Options: &openapi3filter.Options{
		IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}}
	if w.Code < 300 {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s %s is answered, and not as described: %v", method, path, err)
		}
	}
	if err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: in.Options,
	}); err != nil {
		t.Errorf("the answer to %s %s is not as described: %v\n%d %s", method, path, err, w.Code, w.Body)
	}
	return w
}

// read unmarshals the answer to a request that must have status 200 or 201.
func read[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if w.Code != http.StatusOK && w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// problem returns the error that a request was answered with.
func problem(t *testing.T, w *httptest.ResponseRecorder) errorBody {
	t.Helper()
	var v map[string]errorBody
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code < 400 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v["error"]
}

// TestEveryRouteNeedsARole sends each route a request by nobody and by somebody
// below its role.
func TestEveryRouteNeedsARole(t *testing.T) {
	for _, r := range (&Server{}).routes() {
		if r.role == auth.None {
			continue
		}
		method, path, _ := strings.Cut(r.pattern, " ")
		for role, want := range map[auth.Role]int{auth.None: http.StatusUnauthorized, r.role - 1: http.StatusForbidden} {
			c := Config{}
			if role > auth.None {
				c.Identify = as(role)
			} else if r.role == auth.Viewer {
				want = http.StatusUnauthorized
			}
			w := httptest.NewRecorder()
			New(c).ServeHTTP(w, httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "", "...", "").Replace(path), nil))
			if w.Code != want {
				t.Errorf("%s by a %s: %d, want %d", r.pattern, role, w.Code, want)
			}
		}
	}
}

// TestOuter: what all answers have in common.
func TestOuter(t *testing.T) {
	dist := fstest.MapFS{"index.html": {Data: []byte("<p>hello")}, "assets/x-abc.js": {Data: []byte("let a")}}
	h := New(Config{Pages: dist})
	get := func(h http.Handler, path string, head ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for path, want := range map[string][2]string{
		"/":                    {"200", "no-cache"},
		"/assets/x-abc.js":     {"200", "public, max-age=31536000, immutable"},
		"/assets/":             {"404", ""},
		"/other":               {"404", ""},
		"/api/v1/openapi.yaml": {"200", "no-store"},
		"/api/v1/nothing":      {"404", "no-store"},
	} {
		w := get(h, path)
		if got := [2]string{http.StatusText(w.Code), w.Header().Get("Cache-Control")}; got[0] != map[string]string{"200": "OK", "404": "Not Found"}[want[0]] || got[1] != want[1] {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
		if w.Header().Get("Content-Security-Policy") != policy || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s lacks the headers of safety: %v", path, w.Header())
		}
	}
	if got := get(h, "/api/v1/openapi.yaml", "Accept-Encoding", "gzip").Header().Get("Content-Encoding"); got != "gzip" {
		t.Errorf("compressed with %q", got)
	}
	if w := get(New(Config{}), "/"); !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("without pages: %s", w.Body)
	}
	if w := get(Starting(dist), "/api/v1/session"); w.Code != http.StatusServiceUnavailable || problem(t, w).Code != "starting" {
		t.Errorf("at the start: %d %s", w.Code, w.Body)
	}
	if w := get(Starting(dist), "/"); w.Code != http.StatusOK {
		t.Errorf("the page at the start: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/api/v1/session", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || problem(t, w).Code != "cross_origin" {
		t.Errorf("from another site: %d %s", w.Code, w.Body)
	}
}

// TestDecode: bodies are read strictly.
func TestDecode(t *testing.T) {
	type body struct {
		Search string `json:"search"`
		Rows   int    `json:"rows"`
	}
	for in, want := range map[string]string{
		`{"search":"x","rows":1}`: "",
		`{"serach":"x"}`:          `the request has an unknown key "serach"; did you mean "search"?`,
		`{"rows":"1"}`:            `"rows" must be a number, not string`,
		`{}{}`:                    "the request has more than one JSON value",
		``:                        "the request has no body; send JSON",
		`{"a`:                     "the request is not JSON: unexpected EOF",
		`{"search":"` + strings.Repeat("x", maxJSON) + `"}`: "the request is longer than 1048576 bytes",
	} {
		var v body
		err := decode(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(in)), &v)
		got := ""
		if err != nil {
			e := asError(err)
			got = e.Message
			if e.Hint != "" {
				got += "; " + e.Hint
			}
		}
		if got != want {
			t.Errorf("%.40s: %q, want %q", in, got, want)
		}
	}
}

// TestFail: errors that nobody expected are logged and not sent.
func TestFail(t *testing.T) {
	var log bytes.Buffer
	s := &Server{cfg: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	w := httptest.NewRecorder()
	s.fail(w, httptest.NewRequest(http.MethodGet, "/x", nil), io.ErrClosedPipe)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "pipe") || !strings.Contains(log.String(), "closed pipe") {
		t.Errorf("%d %s\n%s", w.Code, w.Body, log.String())
	}
}

// TestPatterns: no two routes have the same pattern, which would end the server.
func TestPatterns(t *testing.T) {
	var seen []string
	for _, r := range (&Server{}).routes() {
		if slices.Contains(seen, r.pattern) {
			t.Errorf("%s is there twice", r.pattern)
		}
		seen = append(seen, r.pattern)
	}
}
