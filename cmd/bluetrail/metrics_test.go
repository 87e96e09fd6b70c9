package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// documented returns the names and types in the table of docs/serve.md, as
// name{label} type.
func documented(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(bluetrail_[^`]+)` \\| (\\w+) \\| .+ \\|$").FindAllStringSubmatch(string(text), -1) {
		list = append(list, m[1]+" "+m[2])
	}
	return list
}

var sample = regexp.MustCompile(`^([a-z_]+)(?:\{([a-z]+)="(?:[^"\\]|\\["\\n])*"(?:,([a-z]+)="(?:[^"\\]|\\["\\n])*")?\})? [-+.0-9eE]+$`)

// exposed returns the metrics of an answer in the same form, those of the
// process left out.
func exposed(t *testing.T, body string) []string {
	t.Helper()
	all := map[string]bool{}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "go_") || strings.HasPrefix(line, "process_") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not a sample: %q", line)
			continue
		}
		name, label := m[1], m[2]
		if m[3] != "" {
			label += "," + m[3]
		}
		kind := "gauge"
		if base, ok := strings.CutSuffix(name, "_bucket"); ok {
			name, label, kind = base, "", "histogram"
		} else if strings.HasSuffix(name, "_total") {
			kind = "counter"
		}
		if label != "" {
			name += "{" + label + "}"
		}
		all[name+" "+kind] = true
	}
	for name := range all { // of the histogram
		if base, kind, _ := strings.Cut(name, " "); kind == "histogram" {
			delete(all, base+"_sum gauge")
			delete(all, base+"_count gauge")
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// scrape returns what the server that writes log answers for /metrics.
func scrape(t *testing.T, log *logged) string {
	t.Helper()
	addr := regexp.MustCompile(`addr=(\S+)`).FindStringSubmatch(log.String())[1]
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestMetricsAreDocumented: after an ingest and searches, a server exposes the
// metrics of docs/serve.md and no others, and they count what happened.
func TestMetricsAreDocumented(t *testing.T) {
	dir := t.TempDir()
	data, broken := filepath.Join(dir, "data"), filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte("{\"eventVersion\":\"1\",\"eventID\":\"c\",\"eventName\":\"Half\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "203.0.113.9") }))
	defer feed.Close()
	amazon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<R/>") }))
	defer amazon.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	rules, config := filepath.Join(dir, "rules"), filepath.Join(dir, "bluetrail.yaml")
	if err := os.Mkdir(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	early, token, keys := filepath.Join(dir, "early.json"), filepath.Join(dir, "token"), filepath.Join(dir, "keys.json")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		early:                              `{"eventVersion":"1.11","eventID":"00000000-0000-4000-8000-00000000e001","eventTime":"` + time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339) + `","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","recipientAccountId":"111122223333","awsRegion":"us-east-1"}`,
		keys:                               `{"PublicKeyList":[{"Fingerprint":"f","Value":"` + base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&key.PublicKey)) + `","ValidityStartTime":0,"ValidityEndTime":2e9}]}`,
		token:                              "a token of some length",
		filepath.Join(rules, "any.yml"):    "title: Any\nid: any\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName: '*'}, condition: a}\nlevel: low\n",
		filepath.Join(rules, "search.yml"): "name: Search\nid: search\nsearch: index=aws | stats count\n",
		config: "drop: [{name: none, search: eventName=NoSuchCall}]\nrules: {dirs: [" + rules + "]}\noutputs: [{name: log, type: file, path: " + filepath.Join(dir, "alerts") + "}]\n" +
			"sources: [{kind: sqs, queue: '" + amazon.URL + "/1/trail', endpoint: '" + amazon.URL + "', region: eu-central-1, buckets: [trail]},\n" +
			"  {kind: hec, listen: '127.0.0.1:0', tokens: [{name: test, token: 'file:" + token + "'}]}]\nverify: {keys: " + keys + "}\n" +
			"lists: [{name: feed, url: '" + feed.URL + "'}]\nfacts: [{regions: [eu-central-1], endpoint: '" + amazon.URL + "'}]\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trail := trailFile(t)
	text, err := os.ReadFile(trail)
	if err == nil {
		err = os.WriteFile(trail, []byte(strings.Replace(string(text), `"eventName"`, `"recipientAccountId":"111122223333","awsRegion":"us-east-1","eventName"`, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := bluetrail(t, "ingest", "--data", data, early); code != exitDone { // a server reads its coverage when it starts
		t.Fatal(code, errs)
	}
	log, _ := startServer(t, data, "--config", config)
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitPartly, []string{"ingest", "--data", data, trail, broken}},
		{exitDone, []string{"search", "--data", data, "* | stats count"}},
		{exitUsage, []string{"search", "--data", data, "* | nosuchcommand"}},
	} {
		if code, out, errs := bluetrail(t, c.args...); code != c.code {
			t.Fatalf("%q: %d %s%s", c.args, code, out, errs)
		}
	}
	body := scrape(t, log)
	for !strings.Contains(body, "bluetrail_rule_runs_total") || !strings.Contains(body, "bluetrail_list_checked_seconds") ||
		!strings.Contains(body, "bluetrail_facts_age_seconds") || !strings.Contains(body, "bluetrail_coverage_silent") { // the scheduled search begins at once, and so do fetching and asking
		body = scrape(t, log)
	}
	want := documented(t)
	slices.Sort(want)
	for _, name := range exposed(t, body) {
		if !slices.Contains(want, name) {
			t.Errorf("%s is not in docs/serve.md", name)
		}
	}
	for _, name := range want {
		if !slices.Contains(exposed(t, body), name) {
			t.Errorf("%s is in docs/serve.md; the server does not expose it", name)
		}
	}
	for _, line := range []string{
		`bluetrail_ingest_events_total{source="commands"} 2`,
		`bluetrail_ingest_files_total{source="commands"} 2`,
		`bluetrail_search_total 2`,
		`bluetrail_search_failed_total 1`,
		`bluetrail_search_cancelled_total 0`,
		`bluetrail_search_running 0`,
		`bluetrail_search_seconds_count 2`,
		`bluetrail_search_memory_bytes 0`,
		`bluetrail_store_damaged_days 0`,
		`bluetrail_store_last_check_timestamp_seconds 0`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("no %q in\n%s", line, body)
		}
	}
	if !regexp.MustCompile(`(?m)^bluetrail_ingest_problems_total\{kind="(file|record)"\} 1$`).MatchString(body) {
		t.Error("the broken file does not count as a problem")
	}
}
