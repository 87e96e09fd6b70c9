package report

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// found makes n findings of one to n events.
func found(n int) (list []*finding.Finding) {
	titles := []string{"CloudTrail logging stopped", "Access key made for another user", "Console login without MFA", "Bucket listing"}
	for i := range n {
		kind := i % len(titles)
		actor := fmt.Sprintf("arn:aws:iam::111122223333:user/user-%02d", i%13)
		info := &rule.Info{ID: fmt.Sprint("r", kind), Title: titles[kind], Severity: rule.Severities[len(rule.Severities)-1-kind], Tags: []string{"attack.t1562.008"}}
		at := start.Add(time.Duration(i*i) * time.Minute)
		f := finding.New(info, finding.Key{Rule: info.ID, Entity: actor, Outcome: "success", Window: at.UnixNano()})
		for e := range i%60 + 1 {
			f.Add(&match.Match{Time: at.Add(time.Duration(e) * time.Second).UnixNano(), Event: match.Event{
				ID: fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", i, e), Name: "StopLogging", Source: "cloudtrail.amazonaws.com", Account: "111122223333", Region: "eu-west-1",
				SourceIP: fmt.Sprintf("198.51.100.%d", i%17), User: actor, Outcome: "success", Object: "trail/main",
			}}, &finding.Who{Actor: actor, Type: "IAMUser"})
		}
		f.Describe("")
		list = append(list, f)
	}
	return list
}

func html(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPage(t *testing.T) {
	list := found(80)
	got := html(t, &Report{Findings: list, Dropped: 1234, Triaged: "3 findings quieted by class", Rules: 4, Files: 2, Events: 1234567, First: start, Last: start.Add(time.Hour), Problems: []string{"trail.json.gz: unexpected EOF"}})
	for _, want := range []string{"80 findings of 4 rules in 1,234,567 events from 2 files", "trail.json.gz: unexpected EOF", "1,234 more findings are not on this page", "T1562.008", "3 findings quieted by class", "10 more events", "2026-01-05 10:00:00 &#43;00:00"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !strings.Contains(got, `http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"`) {
		t.Error("the page may load something over the network")
	}
	for _, loads := range []string{" src=", "<link", "url(", "@import"} {
		if strings.Contains(got, loads) {
			t.Errorf("the page has %q: it must open without a network", loads)
		}
	}
	if n := strings.Count(got, "<details"); n != len(list) {
		t.Errorf("%d findings on the page", n)
	}
	critical, high := strings.Index(got, `<details class="critical"`), strings.Index(got, `<details class="high"`)
	if critical < 0 || critical > high || strings.LastIndex(got, `<details class="critical"`) > high {
		t.Error("the worst do not come first")
	}
	shuffled := slices.Clone(list)
	slices.Reverse(shuffled)
	r := &Report{Findings: list}
	if diff := cmp.Diff(html(t, r), html(t, &Report{Findings: shuffled})); diff != "" {
		t.Errorf("the page depends on the order of findings: %.500s", diff)
	}
	if path := os.Getenv("BLUETRAIL_REPORT"); path != "" { // to look at
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoFindings(t *testing.T) {
	got := html(t, &Report{Rules: 7})
	if !strings.Contains(got, "No rule matched.") || strings.Contains(got, "<svg") || strings.Contains(got, "<details") {
		t.Errorf("the page is %s", got)
	}
}

// TestHostile puts markup and hidden characters into every text of a finding.
func TestHostile(t *testing.T) {
	const evil = "</title></style><script>alert(1)</script>\" onload='x' \u202e\x1b[31m\xff{{.}}"
	e := match.Event{ID: evil, Name: evil, Source: evil, Account: evil, Region: evil, SourceIP: evil, UserAgent: evil, User: evil, ErrorCode: evil, Outcome: evil, Object: evil, File: evil}
	f := finding.New(&rule.Info{ID: evil, Title: evil, Severity: rule.High}, finding.Key{Rule: evil, Entity: evil, Outcome: evil})
	f.Add(&match.Match{Time: start.UnixNano(), Event: e}, &finding.Who{Actor: evil, Type: evil, Session: evil, Chain: evil})
	f.Put(evil, evil)
	f.Describe("")
	got := html(t, &Report{Findings: []*finding.Finding{f}, Problems: []string{evil}})
	for _, bad := range []string{"<script", "</style><", "\u202e", "\x1b", "\xff", "' onload=", `" onload=`} {
		if strings.Contains(got, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if n := strings.Count(got, "&lt;script&gt;"); n < 20 {
		t.Errorf("the page shows the text %d times", n)
	}
	if strings.Count(got, "</style>") != 1 {
		t.Error("the style ends twice")
	}
}

func TestBounds(t *testing.T) {
	list := found(MaxFindings + 5)
	got := html(t, &Report{Findings: list})
	if n := strings.Count(got, "<details"); n != MaxFindings {
		t.Errorf("%d findings on the page", n)
	}
	if !strings.Contains(got, ">5 more findings") {
		t.Error("the page does not say what it lacks")
	}
	if n := strings.Count(got, "<tr><td>20"); n != MaxEvents {
		t.Errorf("%d events on the page", n)
	}
}

func TestLongText(t *testing.T) {
	f := found(1)[0]
	f.Message, f.Title = strings.Repeat("é", 5000), strings.Repeat("x", 5000)
	if got := html(t, &Report{Findings: []*finding.Finding{f}}); strings.Count(got, "é") != maxText || !strings.Contains(got, "é…") {
		t.Errorf("the page has %d runes of a text", strings.Count(got, "é"))
	}
}

func TestSummary(t *testing.T) {
	list := found(80)
	got := Summary{"Actors", "actor"}.Of(list)
	if len(got.Rows) != MaxRows || got.More != 3 {
		t.Errorf("%d rows, %d more", len(got.Rows), got.More)
	}
	n := 0
	for _, f := range list {
		if f.Actor[0] == got.Rows[0].Value {
			n++
		}
	}
	if r := got.Rows[0]; r.Findings != n || r.Worst != rule.Critical || !r.First.Before(r.Last) {
		t.Errorf("%+v, want %d findings", r, n)
	}
}

// TestChart keeps bars within the chart, wherever findings lie.
func TestChart(t *testing.T) {
	for _, n := range []int{1, 2, 80, 1000} {
		c, sum := newChart(found(n), time.UTC), 0
		for _, b := range c.Bars {
			var x, y, w, h float64
			if _, err := fmt.Sscan(b.X, &x); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(b.Y+" "+b.W+" "+b.H, &y, &w, &h); err != nil {
				t.Fatal(err)
			}
			if x < 0 || y < 0 || x+w > chartWidth || y+h > chartHeight+1 {
				t.Errorf("%d findings: bar %+v", n, b)
			}
			var k int
			if _, err := fmt.Sscan(b.Label[strings.LastIndex(b.Label, ": ")+2:], &k); err != nil {
				t.Fatal(err)
			}
			sum += k
		}
		if sum != n {
			t.Errorf("bars of %d findings show %d", n, sum)
		}
	}
}
