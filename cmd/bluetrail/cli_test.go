package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/guide"
)

// bluetrail runs one command line in this process.
func bluetrail(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func trailFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trail.json")
	text := `{"Records":[
{"eventVersion":"1.08","eventTime":"2026-01-01T10:00:00Z","eventName":"ConsoleLogin","eventSource":"signin.amazonaws.com","eventID":"0a000000-0000-4000-8000-000000000000","sourceIPAddress":"8.8.8.8","userIdentity":{"type":"IAMUser","userName":"=cmd|'/c calc'!A1"}},
{"eventVersion":"1.08","eventTime":"2026-01-01T10:00:05Z","eventName":"GetObject","eventSource":"s3.amazonaws.com","eventID":"0b000000-0000-4000-8000-000000000000","errorMessage":"\u001b[31mred\u001b[0m"},
{"eventVersion":"1.08","eventTime":"2026-01-01T10:00:05Z","eventName":"GetObject","eventSource":"s3.amazonaws.com","eventID":"0b000000-0000-4000-8000-000000000000"}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSearchFilesAndStore(t *testing.T) {
	path := trailFile(t)
	data := filepath.Join(t.TempDir(), "data")
	if code, _, errs := bluetrail(t, "ingest", path, "--data", data); code != exitDone || !strings.Contains(errs, "2 events ingested") || !strings.Contains(errs, "1 duplicate") {
		t.Fatalf("ingest: %d\n%s", code, errs)
	}
	for _, from := range [][]string{{"--files", path}, {"--data", data}} {
		search := func(format, spl string) string {
			t.Helper()
			code, out, errs := bluetrail(t, append(append([]string{"search"}, from...), "-o", format, spl)...)
			if code != exitDone {
				t.Fatalf("%v: %d\n%s", from, code, errs)
			}
			return out
		}
		if got, want := search("json", "eventName=* | table _time eventName src"), "{\"_time\":\"2026-01-01T10:00:05.000+00:00\",\"eventName\":\"GetObject\"}\n{\"_time\":\"2026-01-01T10:00:00.000+00:00\",\"eventName\":\"ConsoleLogin\",\"src\":\"8.8.8.8\"}\n"; got != want {
			t.Errorf("%v: %s", from, got)
		}
		if got := search("csv", "ConsoleLogin | table userName"); got != "userName\n'=cmd|'/c calc'!A1\n" {
			t.Errorf("%v: a formula reaches the spreadsheet: %q", from, got)
		}
		if got := search("table", "GetObject | table errorMessage"); strings.Contains(got, "\x1b") || !strings.Contains(got, `\x1b[31mred`) {
			t.Errorf("%v: the terminal is steered: %q", from, got)
		}
		if got := search("json", "* | stats count by eventName"); got != "{\"eventName\":\"ConsoleLogin\",\"count\":\"1\"}\n{\"eventName\":\"GetObject\",\"count\":\"1\"}\n" {
			t.Errorf("%v: %s", from, got)
		}
	}
}

func TestCommandWithoutPipe(t *testing.T) {
	for search, noted := range map[string]bool{
		"stats count by user":            true,
		"inputlookup people.csv":         true,
		"search nosuchword":              false,
		"table = 5":                      false,
		"stats":                          false,
		"stats OR eventName=*":           false, // it finds something
		"| where 1=2 | stats count BY x": false,
	} {
		_, _, stderr := bluetrail(t, "search", "--files", trailFile(t), search)
		if got := strings.Contains(stderr, "needs a pipe"); got != noted {
			t.Errorf("%s\n%s", search, stderr)
		}
	}
}

func TestExitCodes(t *testing.T) {
	path := trailFile(t)
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"search", "--files", path, "* | wher x=1"}, exitUsage, `did you mean "where"?`},
		{[]string{"search", "--files", path + "x", "*"}, exitFailed, "there is no file"},
		{[]string{"search", "--data", filepath.Join(t.TempDir(), "none"), "*"}, exitUsage, "there is no data directory"},
		{[]string{"search", "--files", path, "-o", "xml", "*"}, exitUsage, "must be one of"},
		{[]string{"search", "--files", path, "--earliest", "yesterdayish", "*"}, exitUsage, "cannot read time"},
		{[]string{"serch"}, exitUsage, "unexpected argument"},
		{[]string{"generate", "--out", t.TempDir(), "--events", "0"}, exitUsage, "--events must be from"},
		{[]string{"spl", "check", "* | stats cnt"}, exitUsage, "unknown aggregate"},
		{[]string{"spl", "commands", "stast"}, exitUsage, `did you mean "stats"?`},
		{[]string{"--config", path, "version"}, exitUsage, "cannot read configuration"},
	} {
		code, out, errs := bluetrail(t, tc.args...)
		if code != tc.code || !strings.Contains(errs, tc.says) {
			t.Errorf("%q: %d, want %d with %q\n%s%s", tc.args, code, tc.code, tc.says, out, errs)
		}
	}
}

// TestNoDataDirectory searches where there are no events: what asks for none
// runs, and the knowledge in the folder that --data names is found.
func TestNoDataDirectory(t *testing.T) {
	data := t.TempDir()
	if code, out, errs := bluetrail(t, "search", "--data", filepath.Join(data, "none"), "-o", "json", "| makeresults | eval n=1 | table n"); code != exitDone || out != "{\"n\":\"1\"}\n" {
		t.Errorf("%d %s%s", code, out, errs)
	}
	lookup := filepath.Join(data, "knowledge", "lookups", "zoo.csv")
	if err := os.MkdirAll(filepath.Dir(lookup), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lookup, []byte("animal\ngnu\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", "| inputlookup zoo.csv"); code != exitDone || out != "{\"animal\":\"gnu\"}\n" {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

// TestCollect puts the rows of a search into an index, and searches that.
func TestCollect(t *testing.T) {
	data, trail := t.TempDir(), trailFile(t)
	search := func(want int, text string) (string, string) {
		t.Helper()
		code, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", text)
		if code != want {
			t.Fatalf("%s: exit %d: %s%s", text, code, out, errs)
		}
		return out, errs
	}
	if code, _, errs := bluetrail(t, "ingest", trail, "--data", data); code != exitDone {
		t.Fatal(errs)
	}
	rows, notes := search(exitDone, `* | stats count values(eventSource) as from by eventName | collect index=summary source="weekly report" marker="report=logins" | table eventName`)
	if rows != "{\"eventName\":\"ConsoleLogin\"}\n{\"eventName\":\"GetObject\"}\n" || !strings.Contains(notes, "2 events collected into index summary") {
		t.Error(rows, notes)
	}
	search(exitDone, `index=aws eventName=GetObject | collect index=copies sourcetype=aws:cloudtrail | collect index=summary`)
	for text, want := range map[string]string{
		`index=summary report=logins | sort eventName | table index source sourcetype eventName count from`: `{"index":"summary","source":"weekly report","sourcetype":"stash","eventName":"ConsoleLogin","count":"1","from":"signin.amazonaws.com"}` + "\n" +
			`{"index":"summary","source":"weekly report","sourcetype":"stash","eventName":"GetObject","count":"1","from":"s3.amazonaws.com"}` + "\n",
		`index=copies | table eventID signature`: `{"eventID":"0b000000-0000-4000-8000-000000000000","signature":"GetObject"}` + "\n",
		`index=* | stats count by index`:         `{"index":"aws","count":"2"}` + "\n" + `{"index":"copies","count":"1"}` + "\n" + `{"index":"summary","count":"3"}` + "\n",
		`| eventcount summarize=f index=summary`: `{"count":"3","index":"summary","server":"local"}` + "\n",
		`| tstats count where index=summary`:     `{"count":"3"}` + "\n",
	} {
		if got, _ := search(exitDone, text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	// What fails takes in nothing, and leaves nothing lying about.
	search(exitFailed, `index=copies | collect index=never | map search="| inputlookup strict=t nosuch_$eventID$"`)
	if got, _ := search(exitDone, `index=never`); got != "" {
		t.Error(got)
	}
	if left, err := os.ReadDir(filepath.Join(data, "collect")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	if code, _, errs := bluetrail(t, "search", "--files", trail, "* | collect index=x"); code != exitFailed || !strings.Contains(errs, "collect needs a data directory") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestSplVerbs(t *testing.T) {
	if _, out, _ := bluetrail(t, "spl", "check", "a=1 b=2 OR c=3"); out != "search a=1 b=2 OR c=3\n" {
		t.Error(out)
	}
	if _, out, _ := bluetrail(t, "spl", "commands", "rename"); !strings.Contains(out, "rename <field> AS <new-name>") {
		t.Error(out)
	}
	if _, out, _ := bluetrail(t, "spl", "explain", "--files", trailFile(t), "eventName=ConsoleLogin | stats count by src"); !strings.Contains(out, "ConsoleLogin") || !strings.Contains(out, "partial stats count BY src") {
		t.Error(out)
	}
}

func TestExplainWithoutData(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out, errs := bluetrail(t, "spl", "explain", "eventName=ConsoleLogin | stats count by user")
	if code != 0 || !strings.Contains(out, "count alike rows") || errs != "" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if left, _ := os.ReadDir("."); len(left) > 0 {
		t.Errorf("files were left: %v", left)
	}
	if code, _, errs := bluetrail(t, "spl", "explain", "--data", "nowhere", "* | stats count"); code != 2 || !strings.Contains(errs, "nowhere") {
		t.Errorf("%d %q", code, errs)
	}
}

// TestGuide runs the guide's searches over a synthetic trail: each finds what
// was staged for it, on files and in the store alike.
func TestGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a trail of some thousand files")
	}
	dir := t.TempDir()
	const end = "2026-06-30T12:00:00Z"
	if code, _, errs := bluetrail(t, "generate", "--out", dir, "--events", "4000", "--days", "8", "--accounts", "4", "--end", end); code != exitDone {
		t.Fatal(errs)
	}
	logs, data := filepath.Join(dir, "AWSLogs"), filepath.Join(dir, "data")
	if code, _, errs := bluetrail(t, "ingest", logs, "--data", data); code != exitDone {
		t.Fatal(errs)
	}
	for _, g := range guide.Searches() {
		var rows [2]string
		for i, from := range [][]string{{"--files", logs}, {"--data", data}} {
			code, out, errs := bluetrail(t, append(append([]string{"search"}, from...), "-o", "json", "--now", end, g.SPL+"\n| fields - source, _indextime, _raw")...)
			if code != exitDone || out == "" {
				t.Errorf("%s %v: %d, nothing found\n%s", g.Name, from, code, errs)
			}
			rows[i] = out
		}
		if g.Name == "console-login-without-mfa" || g.Name == "network-acl-open" {
			// Whole events: their number is what must agree, they say themselves where they came from.
			rows[0], rows[1] = strings.Repeat("x", strings.Count(rows[0], "\n")), strings.Repeat("x", strings.Count(rows[1], "\n"))
		}
		if rows[0] != rows[1] {
			t.Errorf("%s differs:\nfiles %s\nstore %s", g.Name, rows[0], rows[1])
		}
	}
}

func TestDoctorAndVersion(t *testing.T) {
	if code, out, _ := bluetrail(t, "version"); code != exitDone || !strings.HasPrefix(out, "bluetrail ") {
		t.Error(out)
	}
	if code, out, errs := bluetrail(t, "doctor", "--data", filepath.Join(t.TempDir(), "none")); code != exitDone || !strings.Contains(out, "shipped") {
		t.Error(out, errs)
	}
}

// TestUnreachableData: a data directory that cannot be looked into is not said to
// be empty.
func TestUnreachableData(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (absent{file}).Prepare(nil); err == nil || !strings.Contains(err.Error(), "cannot open data directory") {
		t.Error(err)
	}
}
