package awstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// Fault is what the proxy does to a request or its answer. The zero Fault passes both on.
type Fault struct {
	Delay  time.Duration // before the request is passed on
	Reset  bool          // the connection is closed without an answer
	Status int           // answered instead of passing the request on, with Code
	Code   string        // of AWS: SlowDown, AccessDenied, …
	Text   string        // the message that goes with Code
	Lost   bool          // the request is passed on, its answer is not: the connection is closed
	Cut    int           // the connection is closed after that many bytes of the body
	Short  int           // the body is that many bytes shorter, and its length says so
	Edit   func(body []byte) []byte
	Header func(http.Header) // changes the answer's
}

// Plan says what to do to a request; n is its number, from 1.
type Plan func(r *http.Request, n int) Fault

// Faulty starts a proxy before a server and returns its URL. A signature that was made
// for the proxy is valid at the server: the Host header is passed on.
func Faulty(tb testing.TB, server string, plan Plan) string {
	tb.Helper()
	to, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	var n atomic.Int64
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	tb.Cleanup(transport.CloseIdleConnections)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := plan(r, int(n.Add(1)))
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return
		}
		if f.Reset {
			panic(http.ErrAbortHandler)
		}
		if f.Status != 0 {
			refuse(w, r, &f)
			return
		}
		out := r.Clone(r.Context())
		out.RequestURI, out.URL.Scheme, out.URL.Host = "", to.Scheme, to.Host
		answer, err := transport.RoundTrip(out)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer answer.Body.Close()
		if f.Lost {
			io.Copy(io.Discard, answer.Body)
			panic(http.ErrAbortHandler)
		}
		pass(w, answer, &f)
	}))
	s.Config.ErrorLog = nil
	tb.Cleanup(s.Close)
	return s.URL
}

// pass passes an answer on.
func pass(w http.ResponseWriter, answer *http.Response, f *Fault) {
	header := w.Header()
	for k, v := range answer.Header {
		header[k] = v
	}
	if f.Header != nil {
		f.Header(header)
	}
	if f.Cut == 0 && f.Short == 0 && f.Edit == nil {
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body)
		return
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if f.Edit != nil {
		body = f.Edit(bytes.Clone(body))
	}
	body = body[:len(body)-min(f.Short, len(body))]
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.StatusCode)
	if f.Cut > 0 && f.Cut < len(body) {
		w.Write(body[:f.Cut])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(body)
}

// refuse answers with an error in the form of the service: JSON for calls with an
// X-Amz-Target header, else XML.
func refuse(w http.ResponseWriter, r *http.Request, f *Fault) {
	if r.Header.Get("X-Amz-Target") != "" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(f.Status)
		fmt.Fprintf(w, `{"__type":%q,"message":%q}`, f.Code, f.Text)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", f.Code, f.Text)
	}
}
