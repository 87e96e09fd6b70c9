package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/control"
)

// logged is what a server writes to stderr.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startServer runs bluetrail serve in this process until the test ends or stop
// is called.
func startServer(t *testing.T, data string, args ...string) (log *logged, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log = &logged{}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--data", data, "--addr", "127.0.0.1:0"}, args...), io.Discard, log)
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if code := <-ended; code != exitDone {
				t.Errorf("serve exits with %d\n%s", code, log)
			}
		})
	}
	t.Cleanup(stop)
	for !strings.Contains(log.String(), "msg=ready") {
		select {
		case code := <-ended:
			ended <- code
			t.Fatalf("serve exits with %d\n%s", code, log)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return log, stop
}

var times = regexp.MustCompile(`[0-9.]+(ms|µs|s)\b|, [0-9,]+ per second`)

// TestSameWithServer runs commands with and without a server: what they write
// and their exit codes are the same.
func TestSameWithServer(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	text, err := os.ReadFile(trailFile(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"trail.json", "bad.json"} {
		if name == "bad.json" {
			text = []byte("{\"eventVersion\":\"1\",\"eventID\":\"c\",\"eventName\":\"Half\n")
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commands := [][]string{
		{"ingest", "trail.json", "bad.json"},
		{"ingest", "trail.json"},
		{"ingest", "nothing.json"},
		{"search", "-o", "json", "* | table _time eventName source"},
		{"search", "* | stats count by eventName"},
		{"search", "-o", "csv", "nosuchword"},
		{"search", "* | wher x=1"},
		{"search", "--earliest", "yesterdayish", "*"},
		{"search", "--knowledge", "nowhere", "*"},
		{"search", `eventName=GetObject | eval a="x" | collect index=copies`},
		{"search", "-o", "json", "index=copies | table a index source"},
		{"search", `* | stats count by eventName | outputlookup seen.csv`},
		{"search", "-o", "json", "| inputlookup seen.csv"},
		{"spl", "explain", "eventName=GetObject | stats count"},
		{"--quiet", "search", "-o", "json", "* | stats count"},
		{"doctor"},
	}
	transcript := func(data string) (all []string) {
		t.Setenv("BLUETRAIL_DATA", data)
		for _, args := range commands {
			code, out, errs := bluetrail(t, args...)
			shown := fmt.Sprintf("%q: %d\n%s--\n%s", args, code, out, errs)
			shown = strings.ReplaceAll(shown, data, "DATA")
			if args[0] == "doctor" { // sizes on disk differ, and a server writes the lookup of openings
				shown = regexp.MustCompile(`[0-9.]+ [KM]iB on disk`).ReplaceAllString(shown, "SIZE")
				shown = regexp.MustCompile(`[12] lookups`).ReplaceAllString(shown, "LOOKUPS")
			}
			all = append(all, times.ReplaceAllString(shown, "TIME"))
		}
		return all
	}
	alone := transcript("alone")
	log, _ := startServer(t, "served")
	with := transcript("served")
	for i := range alone {
		if alone[i] != with[i] {
			t.Errorf("without a server:\n%s\nwith:\n%s", alone[i], with[i])
		}
	}
	if strings.Contains(log.String(), "panic") {
		t.Error(log)
	}
}

// TestServeSources takes in a watched folder while searches run.
func TestServeSources(t *testing.T) {
	dir := t.TempDir()
	watched, data := filepath.Join(dir, "in"), filepath.Join(dir, "data")
	config := filepath.Join(dir, "bluetrail.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "sources:\n  - dir: %q\n    index: live\n", watched), 0o600); err != nil {
		t.Fatal(err)
	}
	log, stop := startServer(t, data, "--config", config)
	addr := regexp.MustCompile(`addr=(\S+)`).FindStringSubmatch(log.String())[1]
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, _ := get("/healthz"); code != http.StatusOK {
		t.Error("/healthz", code)
	}
	if code, _ := get("/readyz"); code != http.StatusOK {
		t.Error("/readyz", code)
	}
	if code, _ := get("/api/v1/alerts"); code != http.StatusUnauthorized {
		t.Error("alerts without a sign-in:", code)
	}
	if first := regexp.MustCompile(`first start: sign in at (\S+) as admin\none-time password: [a-z2-9-]{23}\n`).FindStringSubmatch(log.String()); first == nil || !strings.HasPrefix(first[1], "http://localhost:") {
		t.Error("the first start does not say how to sign in")
	}
	if err := os.Mkdir(watched, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(trailFile(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(watched, "a.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for {
		code, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", "index=live | stats count")
		if code != exitDone {
			t.Fatal(errs)
		}
		if out == "{\"count\":\"2\"}\n" {
			break
		}
		if strings.Contains(out, "count") && out != "{\"count\":\"0\"}\n" {
			t.Fatal(out)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, body := get("/metrics"); !strings.Contains(body, fmt.Sprintf("bluetrail_ingest_events_total{source=%q} 2\n", watched)) || !strings.Contains(body, "bluetrail_store_events 2\n") || !strings.Contains(body, `bluetrail_commands_total{verb="search"}`) {
		t.Error(body)
	}
	info, err := os.Stat(filepath.Join(data, "serve.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if code, _, errs := bluetrail(t, "repair", "--data", data); code != exitFailed || !strings.Contains(errs, "stop it") {
		t.Error(code, errs)
	}
	stop()
	if _, err := os.Lstat(filepath.Join(data, "serve.sock")); err == nil {
		t.Error("the socket is left behind")
	}
	if _, out, _ := bluetrail(t, "search", "--data", data, "-o", "json", "index=live | stats count"); out != "{\"count\":\"2\"}\n" {
		t.Error(out)
	}
}

// TestServeCancel: Ctrl-C in the client ends the search in the server, and the
// client says what it says without one.
func TestServeCancel(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	log, _ := startServer(t, data)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	var out, errs strings.Builder
	code := run(ctx, []string{"search", "--data", data, "| makeresults count=2000000000 | eval x=random() | stats count by x"}, &out, &errs)
	if code != exitFailed || !strings.HasSuffix(errs.String(), "stopped\n") {
		t.Errorf("%d %q", code, errs.String())
	}
	if body := scrape(t, log); !strings.Contains(body, "bluetrail_search_cancelled_total 1\n") || !strings.Contains(body, "bluetrail_search_running 0\n") {
		t.Error(body)
	}
}

// TestServeRefuses: addresses that others reach, a second server, a taken port,
// another version, and what is no command.
func TestServeRefuses(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:1", "nonsense"} {
		if code, _, errs := bluetrail(t, "serve", "--data", data, "--addr", addr); code != exitUsage {
			t.Errorf("%s: %d %s", addr, code, errs)
		}
	}
	log, _ := startServer(t, data)
	if code, _, errs := bluetrail(t, "serve", "--data", data, "--addr", "127.0.0.1:0"); code != exitFailed || !strings.Contains(errs, "open already") {
		t.Errorf("a second server: %d %s", code, errs)
	}
	addr := regexp.MustCompile(`addr=(\S+)`).FindStringSubmatch(log.String())[1]
	if code, _, errs := bluetrail(t, "serve", "--data", data+"2", "--addr", addr); code != exitFailed || !strings.Contains(errs, "choose another with --addr") {
		t.Errorf("a taken port: %d %s", code, errs)
	}
	conn, err := control.Dial(data)
	if err != nil || conn == nil {
		t.Fatal(err)
	}
	_, err = conn.Do(t.Context(), control.Request{Version: "other", Verb: "search"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "use the same version") {
		t.Error(err)
	}
	if conn, err = control.Dial(data); err != nil {
		t.Fatal(err)
	}
	code, err := conn.Do(t.Context(), control.Request{Version: version, Verb: "generate", Options: json.RawMessage("{}")}, io.Discard, io.Discard)
	if code != exitUsage || err != nil {
		t.Error(code, err)
	}
	raw, err := net.Dial("unix", filepath.Join(data, "serve.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(raw); len(rest) > 0 {
		t.Errorf("%q %v", rest, err)
	}
}

// TestServeRelativePaths: paths of a configuration are those of where it was read,
// the server's or the command's.
func TestServeRelativePaths(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	for _, who := range []string{"server", "client"} {
		know := filepath.Join(dir, who, "know")
		if err := os.MkdirAll(know, 0o700); err != nil {
			t.Fatal(err)
		}
		for path, text := range map[string]string{
			filepath.Join(know, "macros.conf"):        "[who]\ndefinition = eval who=\"" + who + "\"\n",
			filepath.Join(dir, who, "bluetrail.yaml"): "knowledge: [know]\n",
		} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Chdir(filepath.Join(dir, "server"))
	startServer(t, data, "--config", "bluetrail.yaml")
	t.Chdir(filepath.Join(dir, "client"))
	for who, args := range map[string][]string{"server": nil, "client": {"--config", "bluetrail.yaml"}} {
		code, out, errs := bluetrail(t, append(args, "search", "--data", data, "-o", "json", "| makeresults | `who` | table who")...)
		if code != exitDone || out != fmt.Sprintf("{\"who\":%q}\n", who) {
			t.Errorf("%d %s%s", code, out, errs)
		}
	}
}

// TestServeLongPath: a data directory whose path is longer than the path of a
// socket may be.
func TestServeLongPath(t *testing.T) {
	data := filepath.Join(t.TempDir(), strings.Repeat("long", 20), strings.Repeat("way", 30))
	startServer(t, data)
	if code, out, errs := bluetrail(t, "ingest", "--data", data, trailFile(t)); code != exitDone {
		t.Fatal(code, out, errs)
	}
	// It would wait for the server if it did not reach it.
	if code, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", "* | stats count"); code != exitDone || out != "{\"count\":\"2\"}\n" {
		t.Error(code, out, errs)
	}
}
