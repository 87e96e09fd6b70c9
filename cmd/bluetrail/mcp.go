package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"bluetrail/internal/api/mcp"
	"bluetrail/internal/auth"
	"bluetrail/internal/control"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

type mcpCmd struct {
	URL       string `name:"url" help:"Address of a server, as https://bluetrail.example:8443 (default: the server that has the data directory open)." placeholder:"URL"`
	TokenFile string `help:"File with an API token for --url; see bluetrail user token add." placeholder:"FILE" type:"path"`
	Data      string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

// Help implements kong.HelpProvider.
func (*mcpCmd) Help() string {
	return "The protocol is spoken on standard input and output. All tools only read; log text is marked as such, since attackers write it. Calls are in the audit log.\n\n" + examples(
		"bluetrail mcp --data ./data",
		"bluetrail mcp --url https://bluetrail.example:8443 --token-file ~/.bluetrail-token",
	)
}

func (c *mcpCmd) Run(a *app) error {
	call, err := c.caller(a)
	if err != nil {
		return err
	}
	err = mcp.New(version, call).Run(a.ctx, &sdk.StdioTransport{})
	if a.ctx.Err() != nil {
		return nil
	}
	return err
}

func (c *mcpCmd) caller(a *app) (mcp.Caller, error) {
	if c.URL == "" {
		if c.TokenFile != "" {
			return nil, usage("--token-file is for a server named with --url")
		}
		return c.socket(a)
	}
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return nil, usage("--url %q must be the address of a server, as https://bluetrail.example:8443", c.URL)
	}
	if c.TokenFile == "" {
		return nil, usage("--url needs --token-file, a file with an API token; make one with: bluetrail user token add")
	}
	text, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read the token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
		r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, strings.NewReader(string(body)))
		if err != nil {
			return 0, nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(mcp.ClientHeader, mcp.Client)
		w, err := client.Do(r)
		if err != nil {
			return 0, nil, err
		}
		defer w.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer))
		return w.StatusCode, answer, err
	}, nil
}

// maxAnswer bounds what is read of an answer of the API, in bytes.
const maxAnswer = 64 << 20

// socket asks the server of the data directory by its socket.
func (c *mcpCmd) socket(a *app) (mcp.Caller, error) {
	dir := a.dataDir(c.Data)
	conn, err := control.Dial(dir)
	if err != nil {
		return nil, err
	}
	if conn == nil {
		return nil, fmt.Errorf("no server has the data directory %q open; start one with: bluetrail serve --data %s", dir, shellWord(dir))
	}
	conn.Close()
	return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
		conn, err := control.Dial(dir)
		if err == nil && conn == nil {
			err = control.ErrGone
		}
		if err != nil {
			return 0, nil, err
		}
		r := control.Request{Version: version, Verb: apiVerb, Quiet: true}
		if r.Options, err = json.Marshal(apiCmd{Method: method, Path: path, Body: body}); err != nil {
			return 0, nil, err
		}
		var out, errOut strings.Builder
		code, err := conn.Do(ctx, r, &out, &errOut)
		if err != nil {
			return 0, nil, err
		}
		status, answer, _ := strings.Cut(out.String(), "\n")
		n := 0
		if _, err := fmt.Sscan(status, &n); err != nil || code != exitDone {
			return 0, nil, fmt.Errorf("the server cannot be asked: %s", strings.TrimSpace(errOut.String()))
		}
		return n, []byte(answer), nil
	}, nil
}

// apiVerb is the name of apiCmd among the verbs of a server.
const apiVerb = "api"

// apiCmd asks the API of a server by its socket, as a viewer. It writes the status
// and the answer.
type apiCmd struct {
	Method, Path string
	Body         []byte
}

func (*apiCmd) home(*app) string { return "" }

// Run implements forwarded.
func (c *apiCmd) Run(a *app) error {
	if a.api == nil {
		return fmt.Errorf("the API is not ready yet")
	}
	ctx := auth.With(a.ctx, &auth.Principal{Name: "socket", Role: auth.Viewer, Via: auth.ViaSocket})
	r, err := http.NewRequestWithContext(ctx, c.Method, c.Path, strings.NewReader(string(c.Body)))
	if err != nil {
		return usageError{err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(mcp.ClientHeader, mcp.Client)
	w := &answered{header: http.Header{}, status: http.StatusOK}
	a.api.ServeHTTP(w, r)
	_, err = fmt.Fprintf(a.out, "%d\n%s", w.status, w.body.String())
	return err
}

// answered is a http.ResponseWriter that keeps the answer.
type answered struct {
	header http.Header
	status int
	body   strings.Builder
}

// Header implements http.ResponseWriter.
func (w *answered) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *answered) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *answered) Write(p []byte) (int, error) { return w.body.Write(p) }
