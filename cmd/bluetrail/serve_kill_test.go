package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/state"

	"github.com/google/go-cmp/cmp"
)

// kills is how often a test kills the server: as often as BLUETRAIL_KILLS says
// (make kill: 200), else a few times.
func kills(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("BLUETRAIL_KILLS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fill writes files of events into a folder until quit is closed: some appear in
// one piece, some grow, and each brings events of the one before again. A log
// whose lines have no eventID and no time grows beside them and is rotated. It
// returns how many different events and lines there are.
func fill(t *testing.T, dir string, pause func(), quit <-chan struct{}) (events, lines int) {
	const each = 40
	// Users read, write and start sessions. Some sessions call before the record that
	// tells who started them.
	event := func(n int) string {
		user := fmt.Sprintf("u%d", n/400*4+n%4)
		who := fmt.Sprintf(`{"type":"IAMUser","principalId":"AIDA%s","arn":"arn:aws:iam::111122223333:user/%[1]s","accountId":"111122223333","userName":%[1]q}`, user)
		name, source, more := "GetObject", "s3.amazonaws.com", ""
		key := func(n int) string { return fmt.Sprintf("ASIAABCDEFGH%08d", n) }
		switch n % 16 {
		case 3, 4:
			name = "PutObject"
		case 12:
			name = "DeleteObject"
		case 8:
			name, source = "AssumeRole", "sts.amazonaws.com"
			more = fmt.Sprintf(`,"responseElements":{"credentials":{"accessKeyId":%q},"assumedRoleUser":{"assumedRoleId":"AROAX:s%d","arn":"arn:aws:sts::111122223333:assumed-role/x/s%[2]d"}}`, key(n), n)
		case 7, 11: // one before its AssumeRole, one after
			name = "PutObject"
			n := n/16*16 + 8
			who = fmt.Sprintf(`{"type":"AssumedRole","principalId":"AROAX:s%d","arn":"arn:aws:sts::111122223333:assumed-role/x/s%[1]d","accountId":"111122223333","accessKeyId":%q}`, n, key(n))
		}
		return fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2026-01-0%dT10:%02d:00Z","eventSource":%q,"eventName":%q,"awsRegion":"r%d","recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.%d","userIdentity":%s,"eventID":"00000000-0000-4000-8000-%012d"%s}`,
			1+n%3, n%60, source, name, n/7%5, n%5, who, n, more)
	}
	logged := 0
	for f := 0; ; f++ {
		select {
		case <-quit:
			return events, logged
		default:
		}
		if err := appendLog(dir, f, &logged); err != nil {
			t.Error(err)
			return events, logged
		}
		var lines []string
		for i := range each {
			if f > 0 && i%8 == 0 {
				lines = append(lines, event(events-each+i)) // once more
			}
			lines = append(lines, event(events+i))
		}
		events += each
		path := filepath.Join(dir, fmt.Sprintf("f%05d.json", f))
		var err error
		if f%3 == 0 {
			half := len(lines) / 2
			err = os.WriteFile(path, []byte(strings.Join(lines[:half], "\n")+"\n"+lines[half][:30]), 0o600)
			pause()
			if err == nil {
				var g *os.File
				if g, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600); err == nil {
					_, err = io.WriteString(g, lines[half][30:]+"\n"+strings.Join(lines[half+1:], "\n")+"\n")
					g.Close()
				}
			}
		} else if err = os.WriteFile(path+".tmp", []byte(`{"Records":[`+strings.Join(lines, ",")+`]}`), 0o600); err == nil {
			err = os.Rename(path+".tmp", path)
		}
		if err != nil {
			t.Error(err)
			return events, logged
		}
		pause()
	}
}

// appendLog appends lines to a log. Every seventh time the log is renamed first, as
// logrotate does it.
func appendLog(dir string, round int, lines *int) error {
	path := filepath.Join(dir, "app.log")
	if round%7 == 6 {
		if err := os.Rename(path, fmt.Sprintf("%s.%d", path, round)); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	for range 10 {
		*lines++
		fmt.Fprintf(f, `{"line":%d}`+"\n", *lines)
	}
	return f.Close()
}

// byID sorts findings in JSON by their IDs, without what people said of them.
func byID(t *testing.T, lines string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(lines) {
		var f map[string]any
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		delete(f, "status")
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprint(f["id"])] = string(body)
	}
	return all
}

// alertsOf returns the alerts of a data directory in short, sorted, once all findings
// have become alerts. Those of risk depend on when findings came, by as much as scores
// decay, and are left out.
func alertsOf(t *testing.T, data string) (list []string) {
	t.Helper()
	db, err := state.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := alert.NewAlerter(alert.Config{State: db}).Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = db.Alerts(t.Context(), state.AlertQuery{Bodies: true}, func(row *state.Alert) error {
		a, err := alert.Decode(row)
		if err != nil || a.RuleID == alert.RiskRule || a.RuleID == alert.HealthRule || a.Status == alert.Closed { // merged or withdrawn
			return err
		}
		slices.Sort(a.Findings)
		list = append(list, fmt.Sprint(a.RuleID, " ", a.Entity, " ", a.Severity, " ", a.Count, " events from ", a.First, " to ", a.Last, ": ", a.Findings))
		return nil
	})
	if err != nil || len(list) == 0 {
		t.Fatalf("%d alerts, %v", len(list), err)
	}
	slices.Sort(list)
	return list
}

// TestServeKilled kills a server at random moments while its folder is filled
// and searches run all the time: no search counts fewer events than one before,
// and in the end each event is stored once, and rules have found what they find in one
// ingest of the same files.
func TestServeKilled(t *testing.T) {
	dir := t.TempDir()
	watched, data := filepath.Join(dir, "in"), filepath.Join(dir, "data")
	if err := os.Mkdir(watched, 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "bluetrail.yaml")
	rules := filepath.Join(dir, "rules")
	if err := os.Mkdir(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	const anyRead = "title: Any read\nid: any-read\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventVersion: '1.08'}, condition: a}\nlevel: low\n"
	for path, text := range map[string]string{
		filepath.Join(rules, "any.yml"):  anyRead,
		filepath.Join(rules, "some.yml"): strings.NewReplacer("any-read", "some-read", "Any", "Some", "eventVersion: '1.08'", "eventID|endswith: ['3', '7']").Replace(anyRead),
		filepath.Join(rules, "more.yml"): strings.Join([]string{
			strings.NewReplacer("any-read", "put", "Any read", "Put", "eventVersion: '1.08'", "eventName: PutObject").Replace(anyRead),
			strings.NewReplacer("any-read", "delete", "Any read", "Delete", "eventVersion: '1.08'", "eventName: DeleteObject").Replace(anyRead),
			"title: Puts\nid: puts\nlevel: high\ncorrelation: {type: event_count, rules: [put], group-by: [actor], timespan: 20m, generate: true, condition: {gte: 3}}\n",
			"title: Places\nid: places\nlevel: high\ncorrelation: {type: value_count, rules: [put, delete], group-by: [actor], timespan: 1h, condition: {field: awsRegion, gte: 3}}\n",
			"title: In order\nid: in-order\nlevel: high\ncorrelation: {type: temporal_ordered, rules: [put, delete], group-by: [actor], timespan: 1h, generate: true}\n",
			"title: New region\nid: new-region\nlevel: high\ncorrelation: {type: first_seen, rules: [put, delete], fields: [awsRegion], group-by: [actor], learning: 30m, generate: true}\n",
			"title: Without put\nid: without-put\nlevel: high\ncorrelation: {type: absent, rules: [put, delete], group-by: [actor], timespan: 30m, generate: true}\n",
		}, "---\n"),
		config: fmt.Sprintf("sources:\n  - dir: %q\nrules:\n  dirs: [%q]\n", watched, rules),
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
	rnd := rand.New(rand.NewPCG(11, uint64(time.Now().UnixNano())))

	quit := make(chan struct{})
	var filling, searching sync.WaitGroup
	var want, wantLines int
	filling.Go(func() { want, wantLines = fill(t, watched, func() { time.Sleep(60 * time.Millisecond) }, quit) })

	var counted, searches, failed int // of the searches
	stopped, stop := context.WithCancel(t.Context())
	const search = "* | stats count(eventID) as count dc(eventID) as ids count(line) as lines dc(line) as numbers"
	count := func() (all, different int, ok bool) {
		var out, errs strings.Builder
		code := run(stopped, []string{"search", "--data", data, "-o", "json", search}, &out, &errs)
		var row struct{ Count, IDs, Lines, Numbers string }
		if code != exitDone || json.Unmarshal([]byte(out.String()), &row) != nil {
			return 0, 0, false // the server was killed meanwhile, or is not there yet
		}
		sum := func(texts ...string) (n int) {
			for _, text := range texts {
				k, err := strconv.Atoi(text)
				if err != nil {
					t.Error(err)
				}
				n += k
			}
			return n
		}
		return sum(row.Count, row.Lines), sum(row.IDs, row.Numbers), true
	}
	searching.Go(func() {
		for stopped.Err() == nil {
			n, ids, ok := count()
			switch searches++; {
			case !ok:
				failed++
				time.Sleep(time.Millisecond)
			case n < counted:
				t.Errorf("a search counts %d events, one before %d", n, counted)
			case n != ids:
				t.Errorf("a search counts %d events with %d ids", n, ids)
			}
			counted = max(counted, n)
		}
	})

	killed := kills(t, 8)
	for i := range killed {
		cmd, log := start()
		if err := os.WriteFile(filepath.Join(rules, "other.yml"), []byte(strings.NewReplacer("any-read", "other", "Any", "Other", "'1.08'", fmt.Sprintf("'no %d'", i)).Replace(anyRead)), 0o600); err != nil { // a reload
			t.Fatal(err)
		}
		time.Sleep(time.Duration(200+rnd.IntN(2500)) * time.Millisecond)
		cmd.Process.Kill()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the server ended by itself: %v\n%s", err, log)
		}
	}
	close(quit)
	filling.Wait()
	cmd, log := start()
	for {
		n, _, ok := count()
		if ok && n >= want+wantLines {
			break
		}
		if cmd.ProcessState != nil {
			t.Fatalf("the server ended: %s", log)
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	searching.Wait()
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server did not end well: %v\n%s", err, log)
	}
	_, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", search)
	if out != fmt.Sprintf("{\"count\":\"%d\",\"ids\":\"%[1]d\",\"lines\":\"%d\",\"numbers\":\"%[2]d\"}\n", want, wantLines) {
		t.Errorf("%s%s, want %d events and %d lines", out, errs, want, wantLines)
	}
	once := filepath.Join(dir, "once")
	if code, _, errs := bluetrail(t, "--config", config, "ingest", "--data", once, watched); code != exitDone && code != exitPartly {
		t.Fatal(errs)
	}
	found := func(data string) string {
		code, out, errs := bluetrail(t, "findings", "--data", data, "-o", "json")
		if code != exitDone {
			t.Fatal(errs)
		}
		return out
	}
	ofOnce, ofKilled := found(once), found(data)
	if n := strings.Count(ofKilled, "\n"); n < 6 || ofOnce != ofKilled {
		t.Errorf("%d findings, want %d:\n%.2000s\nwant\n%.2000s", n, strings.Count(ofOnce, "\n"), ofKilled, ofOnce)
	}
	if diff := cmp.Diff(alertsOf(t, once), alertsOf(t, data)); diff != "" {
		t.Errorf("not the alerts of an undisturbed ingest (-ingest +killed): %.4000s", diff)
	}
	code, ofHunt, errs := bluetrail(t, "hunt", "--data", data, "--rules", rules, "-o", "json")
	if code != exitDone {
		t.Fatal(errs)
	}
	if diff := cmp.Diff(byID(t, ofHunt), byID(t, ofKilled)); diff != "" {
		t.Errorf("not what a hunt finds (-hunt +live): %.4000s", diff)
	}
	for _, id := range []string{"puts", "places", "in-order", "new-region", "without-put"} {
		if !strings.Contains(ofKilled, fmt.Sprintf(`"rule_id":%q`, id)) {
			t.Errorf("the rule %s found nothing", id)
		}
	}
	if !strings.Contains(ofKilled, `session s8, assumed by u`) {
		t.Error("nobody is known behind a session")
	}
	total := 0
	for line := range strings.Lines(ofKilled) {
		var f struct {
			Count  int
			RuleID string `json:"rule_id"`
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if f.RuleID == "any-read" {
			total += f.Count
		}
	}
	if total != want {
		t.Errorf("the findings count %d events, want %d", total, want)
	}
	t.Logf("%d kills, %d events and %d lines, %d searches, %d of them while no server could answer", killed, want, wantLines, searches, failed)
}
