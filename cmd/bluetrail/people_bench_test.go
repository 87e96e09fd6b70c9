package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPeople measures what a server answers in while 50 people search it at once, each
// three cheap searches one after the other, without and with a heavy search beside them, and
// how long the first rows of a search for all events take when nobody else searches.
func BenchmarkPeople(b *testing.B) {
	const people, each = 50, 3
	dir := b.TempDir()
	events := benchEvents(b, 40_000)
	generateTrail(b, dir, events)
	data := filepath.Join(dir, "data")
	run := func(args ...string) []byte {
		out, err := exec.CommandContext(b.Context(), "bluetrail", append(args, "--data", data)...).Output()
		if err != nil {
			b.Fatalf("%v: %v", args, err)
		}
		return out
	}
	run("ingest", "--quiet", filepath.Join(dir, "AWSLogs"))
	cmd := exec.CommandContext(b.Context(), "bluetrail", "serve", "--data", data, "--addr", "127.0.0.1:0")
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	base := ""
	lines := bufio.NewScanner(log)
	for ready := false; !ready && lines.Scan(); ready = strings.Contains(lines.Text(), "msg=ready") {
		if _, after, ok := strings.Cut(lines.Text(), " addr="); ok {
			addr, _, _ := strings.Cut(after, " ")
			base = "http://" + addr
		}
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	var clients [people]client // one for each, since a user may run but so many searches at once
	for i := range clients {
		name := fmt.Sprintf("person%d", i)
		run("user", "add", name, "--role", "analyst")
		words := strings.Fields(string(run("user", "token", "add", name, "--user", name, "--role", "analyst")))
		at := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "btk_") })
		if at < 0 {
			b.Fatalf("no token in %q", words)
		}
		clients[i] = client{base: base, token: words[at]}
	}
	crowd := func() (took []time.Duration) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range people {
			wg.Go(func() {
				for j := range each {
					begin := time.Now()
					if _, err := clients[i].search(fmt.Sprintf("index=aws eventName=ConsoleLogin | stats count AS n%d_%d by user", i, j)); err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					took = append(took, time.Since(begin))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(took)
		return took
	}
	report := func(what string, took []time.Duration) {
		b.ReportMetric(took[len(took)/2].Seconds(), what+"-p50-s")
		b.ReportMetric(took[len(took)*95/100].Seconds(), what+"-p95-s")
	}
	for b.Loop() {
		var first []time.Duration
		for range 9 {
			d, err := clients[0].search("index=aws")
			if err != nil {
				b.Fatal(err)
			}
			first = append(first, d)
		}
		slices.Sort(first)
		b.ReportMetric(first[len(first)/2].Seconds(), "first-rows-p50-s")
		b.ReportMetric(first[len(first)-1].Seconds(), "first-rows-max-s")
		report("crowd", crowd())
		heavy := make(chan error)
		go func() {
			_, err := clients[0].search("index=aws | stats count dc(eventID) by _raw | sort - count | head 5")
			heavy <- err
		}()
		report("beside-heavy", crowd())
		if err := <-heavy; err != nil {
			b.Fatal(err)
		}
	}
}

// client searches by the API.
type client struct{ base, token string }

func (c client) do(method, path, body string) (*http.Response, error) {
	r, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(r)
}

// search runs a search to its end and returns how long its first rows took.
func (c client) search(text string) (first time.Duration, err error) {
	begin := time.Now()
	body, err := json.Marshal(map[string]any{"search": text, "earliest": "0"})
	if err != nil {
		return 0, err
	}
	resp, err := c.do("POST", "/api/v1/search/jobs", string(body))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var job struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&job); err != nil || resp.StatusCode >= 300 {
		return 0, fmt.Errorf("%s for %q: %v", resp.Status, text, err)
	}
	stream, err := c.do("GET", "/api/v1/search/jobs/"+job.ID+"/stream", "")
	if err != nil {
		return 0, err
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return 0, fmt.Errorf("the stream of %q ends early", text)
		}
		if err != nil {
			return 0, err
		}
		switch {
		case strings.HasPrefix(line, `{"type":"rows"`) && first == 0:
			first = time.Since(begin)
		case strings.HasPrefix(line, `{"type":"error"`):
			return 0, fmt.Errorf("%q: %s", text, line)
		case strings.HasPrefix(line, `{"type":"end"`):
			return first, nil
		}
	}
}
