package send

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Bounds of HTTP.
const (
	maxReply     = 64 << 10 // bytes read of a body
	maxRedirects = 3
	maxWait      = time.Hour // that Retry-After may ask for
)

// client posts to one output.
type client struct{ http *http.Client }

// newClient returns a client for what an output names by a URL.
func newClient(o *Output) (*client, error) {
	trust, err := trusted(o.CA)
	if err != nil {
		return nil, err
	}
	d := &net.Dialer{Timeout: o.Timeout}
	if !o.Internal {
		d.Control = func(_, addr string, _ syscall.RawConn) error { return refuse(addr) }
	}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: d.DialContext, TLSClientConfig: trust, ForceAttemptHTTP2: true,
		MaxIdleConns: 2, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: o.Timeout, MaxResponseHeaderBytes: maxReply,
	}
	return &client{&http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		first := via[0].URL
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("more than %d redirects", maxRedirects)
		case r.Method != via[0].Method:
			return errors.New("redirected to a GET; use the URL that it names")
		case r.URL.Host != first.Host || first.Scheme == "https" && r.URL.Scheme != "https":
			return errors.New("redirected to another place; use the URL that it names")
		}
		return nil
	}}}, nil
}

// trusted returns the TLS configuration with a file of certificates, "" = the system's.
func trusted(file string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if file == "" {
		return c, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificates: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%q contains no certificate", file)
	}
	return c, nil
}

// metadata are addresses at which clouds hand out credentials, besides link-local ones.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fd00:ec2::/32"), netip.MustParsePrefix("100.100.100.200/32"), netip.MustParsePrefix("168.63.129.16/32"),
	netip.MustParsePrefix("64:ff9b::a9fe:0/112"), // link-local through NAT64
}

// refuse returns an error for an address, with or without a port, that outputs must not
// reach.
func refuse(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return nil
	}
	ip = ip.Unmap().WithZone("")
	for _, p := range metadata {
		if p.Contains(ip) {
			return &Failure{Reason: fmt.Sprintf("%s is a link-local or metadata address; set internal: true to allow it", ip)}
		}
	}
	return nil
}

// post sends a JSON body and returns what came back, which is the reply or the error.
func (c *client) post(ctx context.Context, o *Output, to *url.URL, body []byte, header http.Header, sign ...func(*http.Request) error) (string, error) {
	if !o.Internal { // a proxy would ask for it
		if err := refuse(to.Host); err != nil {
			return "", err
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return "", errors.New("cannot make a request of the URL")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "bluetrail")
	for _, f := range sign {
		if err := f(r); err != nil {
			return "", err
		}
	}
	w, err := c.http.Do(r)
	if err != nil {
		var u *url.Error // names the URL
		if errors.As(err, &u) {
			err = u.Err
		}
		return "", err
	}
	defer w.Body.Close()
	data, err := io.ReadAll(io.LimitReader(w.Body, maxReply))
	if err != nil {
		return "", fmt.Errorf("cannot read the answer: %w", err)
	}
	reply := strings.TrimSpace(fmt.Sprintf("HTTP %s %s", w.Status, strings.TrimSpace(string(data))))
	if w.StatusCode >= 200 && w.StatusCode < 300 {
		return reply, nil
	}
	f := &Failure{Reason: reply, After: retryAfter(w.Header.Get("Retry-After"), time.Now())}
	switch w.StatusCode {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		f.Final = true
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		f.Reason += "; check the URL and the token"
	}
	return "", f
}

// retryAfter reads the header of that name, seconds or a date.
func retryAfter(s string, now time.Time) time.Duration {
	d := time.Duration(0)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		d = time.Duration(min(max(n, 0), int64(maxWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxWait)
}
