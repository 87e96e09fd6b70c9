package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// forwarder sends requests one after the other, each until the server says that its events
// are durable.
type forwarder struct {
	url, token string
	channel    string // it asks for acknowledgements; "" = the answer is one
	envelope   string // around each record
	first      int    // the number of its first event

	requests, sent int
}

const eventsEach = 20 // of a request, and a line without eventID and time

// run sends until quit is closed, and no longer than ctx; durable counts the requests that
// are.
func (f *forwarder) run(ctx context.Context, durable *atomic.Int64, quit <-chan struct{}) {
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-quit:
			return
		default:
		}
		var body strings.Builder
		for i := range eventsEach {
			n := f.first + f.requests*eventsEach + i
			fmt.Fprintf(&body, f.envelope+"\n", fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2026-01-0%dT10:00:00Z","eventName":"GetObject","eventID":"00000000-0000-4000-8000-%012d"}`, 1+n%3, n))
		}
		fmt.Fprintf(&body, f.envelope+"\n", fmt.Sprintf(`{"line":%d}`, f.first+f.requests))
		for f.sent++; !f.send(client, body.String()); f.sent++ {
			if ctx.Err() != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		f.requests++
		durable.Add(1)
	}
}

// send reports whether the events of a request are durable. A server that was killed
// meanwhile knows nothing of the request, however often it is asked.
func (f *forwarder) send(client *http.Client, body string) bool {
	var taken struct{ AckID uint64 }
	if !f.post(client, f.url, body, &taken) {
		return false
	}
	if f.channel == "" {
		return true
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var asked struct{ Acks map[uint64]bool }
		if !f.post(client, strings.TrimSuffix(f.url, "/event")+"/ack", fmt.Sprintf(`{"acks":[%d]}`, taken.AckID), &asked) {
			return false
		}
		if asked.Acks[taken.AckID] {
			return true
		}
	}
	return false
}

// post reports whether a request is answered with success.
func (f *forwarder) post(client *http.Client, url, body string, answer any) bool {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+f.token)
	if f.channel != "" {
		r.Header.Set("X-Splunk-Request-Channel", f.channel)
	}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK && json.Unmarshal(text, answer) == nil
}

// TestReceiversKilled kills a server at random moments while clients send to its address by
// HEC, by HEC with acknowledgements and by HTTP. They send a request again until they are
// told that it is durable: in the end each event is stored once, those without eventID, too.
func TestReceiversKilled(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	const plain, acks, hook = "plain-0123456789ab", "acks-0123456789abc", "hook-0123456789abc"
	config, data, rules := filepath.Join(dir, "bluetrail.yaml"), filepath.Join(dir, "data"), filepath.Join(dir, "rules")
	if err := os.Mkdir(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(dir, "plain"): plain, filepath.Join(dir, "acks"): acks, filepath.Join(dir, "hook"): hook,
		filepath.Join(rules, "any.yml"): "title: Any read\nid: any-read\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventVersion: '1.08'}, condition: a}\nlevel: low\n",
		config: fmt.Sprintf("sources:\n  - {kind: hec, listen: %q, tokens: [{name: plain, token: 'file:%s/plain'}, {name: acks, token: 'file:%[2]s/acks', ack: true}]}\n"+
			"  - {kind: http, listen: %[1]q, tokens: [{name: hook, token: 'file:%[2]s/hook'}]}\nrules:\n  dirs: [%q]\n", addr, dir, rules),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func() (*exec.Cmd, *strings.Builder) {
		var log strings.Builder
		cmd := exec.Command("bluetrail", "--config", config, "serve", "--data", data, "--addr", "127.0.0.1:0")
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, &log
	}
	collector := "http://" + addr + "/services/collector/event"
	var forwarders []*forwarder
	for i := range 4 {
		first := i * 1e6
		forwarders = append(forwarders,
			&forwarder{url: collector, token: plain, envelope: `{"event":%s}`, first: first},
			&forwarder{url: collector, token: acks, channel: fmt.Sprint("c", i), envelope: `{"event":%s,"host":"h"}`, first: first + 1e7},
			&forwarder{url: "http://" + addr + "/events", token: hook, envelope: "%s", first: first + 2e7},
		)
	}
	var durable atomic.Int64
	quit := make(chan struct{})
	var sending sync.WaitGroup
	for _, f := range forwarders {
		sending.Go(func() { f.run(t.Context(), &durable, quit) })
	}
	killed := kills(t, 2)
	for range killed {
		before := durable.Load()
		cmd, log := start()
		for end := time.Now().Add(time.Minute); durable.Load() == before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				cmd.Process.Kill()
				cmd.Wait()
				t.Fatalf("nothing becomes durable:\n%s", log)
			}
		}
		time.Sleep(time.Duration(rand.IntN(1200)) * time.Millisecond)
		cmd.Process.Kill()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the server ended by itself: %v\n%s", err, log)
		}
	}
	cmd, log := start()
	close(quit)
	sending.Wait()
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server did not end well: %v\n%s", err, log)
	}
	requests, sent := 0, 0
	for _, f := range forwarders {
		if f.requests == 0 {
			t.Errorf("no request to %s with token %s became durable", f.url, f.token)
		}
		requests += f.requests
		sent += f.sent
	}
	_, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", "* | stats count(eventID) as count dc(eventID) as ids count(line) as lines dc(line) as numbers")
	if want := fmt.Sprintf("{\"count\":\"%d\",\"ids\":\"%[1]d\",\"lines\":\"%d\",\"numbers\":\"%[2]d\"}\n", requests*eventsEach, requests); out != want {
		t.Errorf("%s%s, want %s", out, errs, want)
	}
	t.Logf("%d kills, %d requests, sent %d times", killed, requests, sent)
}
