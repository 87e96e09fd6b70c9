// Package api answers HTTP requests: the pages of the browser and the API that
// they and other programs use. openapi.yaml describes it.
package api

import (
	"context"
	_ "embed"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"bluetrail/internal/auth"
	"bluetrail/internal/search/job"
	"bluetrail/internal/spl/syntax"

	"github.com/klauspost/compress/gzhttp"
)

// Description is openapi.yaml.
//
//go:embed openapi.yaml
var Description []byte

// Config is what the API works with. The parts may be nil where a test does not
// need them.
type Config struct {
	Log     *slog.Logger
	Version string
	Pages   fs.FS // index.html and what it loads

	// Identify says who makes a request; nil for nobody. An error answers the
	// request.
	Identify func(r *http.Request) (*auth.Principal, error)
	// Audit records what somebody did.
	Audit func(Act) error

	Jobs *job.Jobs
	// Knowledge returns the macros and lookups of searches, as they are now.
	Knowledge func() (Knowledge, error)
	// Searched returns the searches of somebody, the newest first, as many as are
	// useful: acts with the search as Detail and its range as Object.
	Searched func(ctx context.Context, who string) ([]Act, error)

	// People are those who may sign in; Identify is usually theirs.
	People *auth.People

	Product Product // alerts, entities, rules and so on
}

// Knowledge is what has a name in searches.
type Knowledge interface {
	syntax.Macros
	LookupNames() []string
}

// Server answers requests.
type Server struct {
	cfg     Config
	summary summary // of the events, for completion

	allow      sync.Mutex // of the file of suppressions
	writing    sync.Mutex // of rules, lists and lookups
	categories categories
	tested     tested
	sized      sized

	backtesting chan struct{} // has room for one
}

// route is a path of the API, and who may use it.
type route struct {
	pattern string    // as of http.ServeMux, with its method
	role    auth.Role // the least; auth.None lets everybody in
	handle  func(w http.ResponseWriter, r *http.Request) error
}

// routes joins what the files of this package answer.
func (s *Server) routes() (all []route) {
	for _, part := range [][]route{
		s.sessionRoutes(), s.userRoutes(),
		s.docsRoutes(),
		s.searchRoutes(),
		s.productRoutes(),
		s.languageRoutes(),
		s.splunkRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}

// New returns the API.
func New(cfg Config) http.Handler {
	s := &Server{cfg: cfg, backtesting: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.guarded(r))
	}
	for _, prefix := range apiPrefixes {
		mux.HandleFunc(prefix, s.unknown)
	}
	mux.Handle("/", pages(cfg.Pages))
	return outer(mux)
}

// Starting answers while the data directory is not open yet: the pages are
// there, the API is not.
func Starting(dist fs.FS) http.Handler {
	mux := http.NewServeMux()
	for _, prefix := range apiPrefixes {
		mux.HandleFunc(prefix, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			answerError(w, &Error{Status: http.StatusServiceUnavailable, Code: "starting", Message: "the server is starting; the data directory is not open yet", Hint: "try again in a moment"})
		})
	}
	mux.Handle("/", pages(dist))
	return outer(mux)
}

// apiPrefixes are the paths that are no pages.
var apiPrefixes = []string{"/api/", "/services/", "/servicesNS/"}

// unknown answers for paths that no route has. A path with another method gets
// 405 from the mux of the routes alone, which this catches, too.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	answerError(w, &Error{Status: http.StatusNotFound, Code: "unknown_path", Message: "the API has no " + r.Method + " " + r.URL.Path, Hint: "the paths are described at /api/docs"})
}

// maxBody bounds the body of any request, in bytes; most handlers take less.
const maxBody = 64 << 20

// outer does what every answer needs: headers that keep the browser safe,
// refusal of requests that another site makes the browser send, compression.
func outer(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answerError(w, &Error{Status: http.StatusForbidden, Code: "cross_origin", Message: "another site made this request", Hint: "programs other than browsers send neither Origin nor Sec-Fetch-Site"})
	}))
	zip, err := gzhttp.NewWrapper(gzhttp.MinSize(1400), gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		panic(err) // the options are constant
	}
	inner := zip(cross.Handler(http.MaxBytesHandler(next, maxBody)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/services") {
			w.Header().Set("Cache-Control", "no-store")
		}
		inner.ServeHTTP(w, r)
	})
}

// policy is the content security policy: nothing inline, nothing from others.
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}
