package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mistakes are what analysts write who know another language, or half of this one,
// and what helps them on. A hint of "-" must not come.
var mistakes = []struct {
	name   string
	search string
	flags  []string
	hints  []string
}{
	{"misspelt field", `eventNme=CreateUser`, nil, []string{`no event has the field "eventNme"; did you mean "eventName"?`}},
	{"case of a field", `eventname=CreateUser`, nil, []string{`did you mean "eventName"?`}},
	{"misspelt field in stats", `* | stats count BY usr_arn`, nil, []string{`no event has the field "usr_arn"; did you mean "user_arn"?`}},
	{"misspelt field in where", `* | where erorCode="AccessDenied"`, nil, []string{`did you mean "errorCode"?`}},
	{"end of a name", `bucketName=pay`, nil, []string{`did you mean "requestParameters.bucketName"?`}},
	{"no such value", `user=nobody`, nil, []string{"no event matches the search: user=nobody", "-did you mean"}},
	{"no such value, counted", `user=nobody | stats count`, nil, []string{"no event matches the search: user=nobody"}},
	{"a time before the events", `*`, []string{"--earliest", "2020-01-01", "--latest", "2020-02-01"},
		[]string{"events lie between 2026-01-01 10:00:00 UTC and 2026-01-01 10:02:00 UTC, the search looked at 2020-01-01 00:00:00 UTC to 2020-02-01 00:00:00 UTC"}},
	{"a time after the events", `eventName=CreateUser earliest=-1h`, []string{"--now", "2026-06-01"},
		[]string{"the search looked at times from 2026-05-31 23:00:00 UTC on"}},
	{"lower-case and", `eventName=CreateUser and user=ann`, nil, []string{`"and" was searched for as a word; the operator is written AND`}},
	{"lower-case or", `eventName=CreateUser or eventName=GetObject`, nil, []string{"the operator is written OR"}},
	{"lower-case not", `not eventName=CreateUser`, nil, []string{"the operator is written NOT"}},
	{"text without quotes", `* | where user=bob`, nil, []string{`user=bob compares two fields, and bob has no value; did you mean user="bob"?`, "-did you mean \"b"}},
	{"dotted name in where", `* | where userIdentity.type="IAMUser"`, nil, []string{"write 'userIdentity.type' in single quotes"}},
	{"dotted name, part of it derived", `* | where userIdentity.userName="ann"`, nil, []string{"write 'userIdentity.userName' in single quotes"}},
	{"dotted name in eval", `* | eval n=userIdentity.userName | where n="ann"`, nil, []string{"write 'userIdentity.userName' in single quotes"}},
	{"hyphen in a name", `* | where user-agent="x"`, nil, []string{"user-agent is a subtraction", "'user-agent'; did you mean"}},
	{"star in where", `* | where user="an*"`, nil, []string{`* is compared literally; write | search user="an*", or like(user, "an%")`}},
	{"star in like", `* | where like(user, "an*")`, nil, []string{`in like, % stands for any text and * for itself; write "an%"`}},
	{"case of a value in where", `* | where user="ANN"`, nil, []string{"2 events matched the search; the commands behind it left no row", "where distinguishes upper and lower case"}},
	{"the name of an actor", `actor=alice`, nil, []string{`actor is the ARN of a user or role: actor="*/alice" finds them by name`}},
	{"single quotes in a search", `'userIdentity.type'=IAMUser`, nil, []string{"in a search, field names need no single quotes: userIdentity.type=…"}},
	{"command without a pipe", `stats count by user`, nil, []string{"a command needs a pipe before it"}},
	{"a field that none has", `* | stats count BY errorMessage`, nil, []string{`none of the 2 rows before stats has the field "errorMessage"`}},
	{"address without quotes", `* | where src=192.0.2.1`, nil, []string{"put addresses and other text in double quotes"}},
	{"SQL", `SELECT user FROM trail WHERE x=1`, nil, []string{`"SELECT" was searched for as a word`, "| table FIELD"}},
	{"project", `* | project user`, nil, []string{"write | table FIELD"}},
	{"extend", `* | extend a=1`, nil, []string{"write | eval FIELD=EXPRESSION"}},
	{"take", `* | take 5`, nil, []string{"write | head N"}},
	{"limit", `* | limit 5`, nil, []string{"write | head N"}},
	{"order by", `* | order by user`, nil, []string{"write | sort FIELD"}},
	{"distinct", `* | distinct user`, nil, []string{"write | dedup FIELD"}},
	{"select", `* | select user`, nil, []string{"| table FIELD"}},
	{"having", `* | stats count BY user | having count>5`, nil, []string{"write | where CONDITION"}},
	{"summarize", `* | summarize count() by user`, nil, []string{"write | stats AGGREGATE"}},
	{"filter", `* | filter user=ann`, nil, []string{"write | search FIELD=VALUE"}},
	{"rows without the field", `* | iplocation src | stats count BY Country`, nil,
		[]string{"1 of 2 rows have no Country: private addresses, AWS services; stats leaves them out", "| fillnull value=none Country"}},
	{"all is well", `user=ann | table user`, nil, []string{"-hint", "-warning"}},
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	trail := filepath.Join(dir, "trail.json")
	text := `{"Records":[
{"eventVersion":"1.08","eventTime":"2026-01-01T10:00:00Z","eventName":"CreateUser","eventSource":"iam.amazonaws.com","eventID":"00000000-0000-4000-8000-000000000001","sourceIPAddress":"8.8.8.8","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann","userName":"ann"},"errorCode":"AccessDenied"},
{"eventVersion":"1.08","eventTime":"2026-01-01T10:02:00Z","eventName":"GetObject","eventSource":"s3.amazonaws.com","eventID":"00000000-0000-4000-8000-000000000002","sourceIPAddress":"10.0.0.1","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/bob","userName":"bob"},"requestParameters":{"bucketName":"logs","user-agent":"x"}}]}`
	if err := os.WriteFile(trail, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if code, _, errs := bluetrail(t, "ingest", trail, "--data", data); code != exitDone {
		t.Fatalf("ingest: %d\n%s", code, errs)
	}
	try := func(t *testing.T, from ...string) {
		for _, m := range mistakes {
			for _, format := range []string{"table", "json"} {
				if format == "json" && strings.HasPrefix(m.name, "rows without") { // for a person only
					continue
				}
				_, out, errs := bluetrail(t, append(append(append([]string{"search", "-o", format}, from...), m.flags...), m.search)...)
				for _, hint := range m.hints {
					unwanted, not := strings.CutPrefix(hint, "-")
					if not && strings.Contains(errs, unwanted) || !not && !strings.Contains(errs, hint) {
						t.Errorf("%s, as %s: %s\nwant %q in\n%s", m.name, format, m.search, hint, errs)
					}
				}
				if strings.Contains(out, "hint") {
					t.Errorf("%s: words among the rows:\n%s", m.name, out)
				}
			}
		}
	}
	t.Run("files", func(t *testing.T) { try(t, "--files", trail) })
	t.Run("store", func(t *testing.T) { try(t, "--data", data) })
	t.Run("server", func(t *testing.T) {
		_, stop := startServer(t, data)
		defer stop()
		try(t, "--data", data)
	})
}

// A person is told of rows that grouping leaves out when they are many, a program
// is not.
func TestRowsLeftOut(t *testing.T) {
	var lines strings.Builder
	for i := range 40 {
		lines.WriteString(`{"_time":` + string(rune('1'+i%9)) + `,"k":"a"`)
		if i > 0 { // one in forty lacks the field
			lines.WriteString(`,"often":"x"`)
		}
		if i%2 == 0 {
			lines.WriteString(`,"half":"x"`)
		}
		lines.WriteString("}\n")
	}
	path := filepath.Join(t.TempDir(), "rows.ndjson")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for search, want := range map[string]string{
		"* | stats count BY half":                                     "20 of 40 rows have no half; stats leaves them out",
		"* | stats count BY often":                                    "",
		"* | stats count BY k":                                        "",
		"* | top half":                                                "20 of 40 rows have no half; top leaves them out",
		"* | chart count OVER half BY k":                              "20 of 40 rows have no half; chart leaves them out",
		"* | timechart span=1d count BY half":                         "",
		"* | timechart span=1d usenull=f count BY half":               "20 of 40 rows have no half; timechart leaves them out",
		"* | fillnull value=none half | stats count BY half":          "",
		"* | eval x=half | sort k | stats count BY x, often":          "20 of 40 rows have no x",
		"* | stats count BY k half | append [| makeresults count=0 ]": "20 of 40 rows have no half",
	} {
		for _, format := range []string{"table", "json"} {
			_, _, errs := bluetrail(t, "search", "-o", format, "--files", path, search)
			if said := strings.Contains(errs, "rows have no"); said != (want != "" && format == "table") || said && !strings.Contains(errs, want) {
				t.Errorf("%s as %s: want %q in\n%s", search, format, want, errs)
			}
		}
	}
}
