package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkLive compares the CPU of a server that takes a trail in without rules, with
// a hundred live rules, and with those that are shipped besides, from start to end.
func BenchmarkLive(b *testing.B) {
	trail := b.TempDir()
	events := benchEvents(b, 100_000)
	generateTrail(b, trail, events)
	rules := upstreamRules(b, 100)
	for b.Loop() {
		none := serving(b, trail, "rules: {shipped: false}", events)
		hundred := serving(b, trail, fmt.Sprintf("rules: {shipped: false, dirs: [%q]}", rules), events)
		all := serving(b, trail, fmt.Sprintf("rules: {shipped: true, dirs: [%q]}", rules), events)
		b.ReportMetric(none.Seconds(), "none-cpu-s")
		b.ReportMetric(float64(hundred)/float64(none), "hundred/none")
		b.ReportMetric(float64(all)/float64(none), "shipped/none")
	}
}

var eventsTaken = regexp.MustCompile(`(?m)^bluetrail_ingest_events_total\S* (\d+)$`)

// serving returns the CPU time of a server that takes a trail in and ends.
func serving(b *testing.B, trail, config string, events int) time.Duration {
	dir := b.TempDir()
	path := filepath.Join(dir, "serve.yaml")
	text := fmt.Sprintf("sources:\n  - dir: %q\n%s\n", filepath.Join(trail, "AWSLogs"), config)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "bluetrail", "--config", path, "serve", "--data", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0")
	log, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	addr, ready := "", false
	for !ready && lines.Scan() {
		if _, after, ok := strings.Cut(lines.Text(), " addr="); ok {
			addr, _, _ = strings.Cut(after, " ")
		}
		ready = strings.Contains(lines.Text(), "msg=ready")
	}
	if !ready || addr == "" {
		b.Fatal("the server does not start: ", cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	for taken := 0; taken < events; time.Sleep(200 * time.Millisecond) {
		taken = 0
		resp, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range eventsTaken.FindAllSubmatch(body, -1) {
			n, _ := strconv.Atoi(string(m[1])) // digits
			taken += n
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
