package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/api/mcp"
	"bluetrail/internal/auth"
	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	"bluetrail/internal/search/job"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/memory"
)

// searching returns an API over 30 events, and what it audits.
func searching(t *testing.T, role auth.Role) (http.Handler, *[]Act) {
	t.Helper()
	st := memory.New()
	for i := range 30 {
		raw := fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%08d-0000-4000-8000-000000000000","eventTime":%q,"eventName":%q,"eventSource":"s3.amazonaws.com","userName":"=cmd","n":%d}`,
			i, time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC).Format(time.RFC3339), []string{"GetObject", "PutObject"}[i%2], i)
		if _, err := st.Add([]byte(raw), &event.Meta{Index: "aws"}); err != nil {
			t.Fatal(err)
		}
	}
	c := job.DefaultConfig()
	c.Gate = job.NewGate(2, time.Second)
	c.Options = func(a job.Ask, _ bool) (search.Options, []diag.Notice, error) {
		return search.Options{Earliest: a.Earliest, Latest: a.Latest, Now: a.Now, Store: st, Collector: nowhere{}}, nil, nil
	}
	jobs := job.New(c)
	t.Cleanup(jobs.Close)
	var acts []Act
	return New(Config{
		Identify: as(role), Jobs: jobs,
		Audit: func(a Act) error { acts = append(acts, a); return nil },
		Searched: func(context.Context, string) ([]Act, error) {
			done := slices.Clone(acts)
			slices.Reverse(done)
			return done, nil
		},
		Knowledge: func() (Knowledge, error) { return knowledge.Open() },
	}), &acts
}

// nowhere drops what searches collect.
type nowhere struct{}

func (nowhere) Collect(exec.Collected) error { return nil }

// TestExportOfWriting: a search that writes is not run again for the rows that its job
// did not keep, and the file says so.
func TestExportOfWriting(t *testing.T) {
	h, _ := searching(t, auth.Engineer)
	for most, want := range map[int]string{5: `-first-5-rows.csv"`, 50: `.csv"`} {
		j := read[jobBody](t, ask(t, h, "POST", "/api/v1/search/jobs", map[string]any{"search": "index=aws | collect index=copy", "max_rows": most}))
		w := ask(t, h, "GET", "/api/v1/search/jobs/"+j.ID+"/export?format=csv", nil)
		name := w.Header().Get("Content-Disposition")
		if rows := strings.Count(w.Body.String(), "\n") - 1; rows != min(most, 30) || !strings.HasSuffix(name, want) || strings.Contains(name, "first") != (most == 5) {
			t.Errorf("%d rows in %s, want %s", rows, name, want)
		}
	}
}

func TestSearchJob(t *testing.T) {
	h, acts := searching(t, auth.Viewer)
	j := read[jobBody](t, ask(t, h, "POST", "/api/v1/search/jobs", map[string]any{"search": "index=aws", "max_rows": 20}))
	at := "/api/v1/search/jobs/" + j.ID
	lines := strings.Split(strings.TrimSpace(ask(t, h, "GET", at+"/stream?count=5&fields=n", nil).Body.String()), "\n")
	if all := strings.Join(lines, "\n"); !strings.HasPrefix(lines[0], `{"type":"start"`) || !strings.HasPrefix(lines[len(lines)-1], `{"type":"end"`) ||
		!strings.Contains(all, `{"type":"rows","offset":0,"columns":["n"],"rows":[{"n":"29"},{"n":"28"},{"n":"27"},{"n":"26"},{"n":"25"}]}`) {
		t.Error(all)
	}
	if j := read[jobBody](t, ask(t, h, "GET", at, nil)); j.State != job.Done || j.Rows != 20 || !j.More || !j.Events {
		t.Errorf("%+v", j)
	}
	rows := read[struct{ Rows []map[string]any }](t, ask(t, h, "GET", at+"/results?count=1&sort=n&filter=eventname%3Dput", nil))
	if len(rows.Rows) != 1 || rows.Rows[0]["n"] != "11" {
		t.Errorf("%+v", rows)
	}
	if f := read[struct{ Sample int }](t, ask(t, h, "GET", at+"/fields?field=n&values=3", nil)); f.Sample != 30 {
		t.Errorf("%+v", f)
	}
	if all := read[list[jobBody]](t, ask(t, h, "GET", "/api/v1/search/jobs", nil)); all.Total != 1 {
		t.Errorf("%+v", all)
	}
	csv := ask(t, h, "GET", at+"/export?format=csv", nil)
	if got := csv.Body.String(); strings.Count(got, "\n") != 31 || !strings.Contains(got, "'=cmd") {
		t.Errorf("the file has not all rows, or a formula: %.400s", got)
	}
	if raw := ask(t, h, "GET", at+"/export?format=raw", nil).Body.String(); strings.Count(raw, "\n") != 30 {
		t.Errorf("raw: %.400s", raw)
	}
	if w := ask(t, h, "DELETE", at, nil); w.Code != http.StatusNoContent {
		t.Error(w.Code)
	}
	if got := problem(t, ask(t, h, "GET", at, nil)); got.Code != "not_found" {
		t.Errorf("%+v", got)
	}
	if len(*acts) != 3 || (*acts)[0].Detail != "index=aws" || (*acts)[0].Who != "ann" || (*acts)[2].Action != "exported" {
		t.Errorf("audited: %+v", *acts)
	}
	hist := read[list[Searched]](t, ask(t, h, "GET", "/api/v1/search/history", nil))
	if hist.Total != 1 || hist.Items[0].Search != "index=aws" {
		t.Errorf("%+v", hist)
	}
}

func TestSearchFaults(t *testing.T) {
	h, _ := searching(t, auth.Analyst)
	for body, want := range map[string]errorBody{
		`{"search":"index=aws | wher x=1"}`:                 {Code: "bad_search", Place: &Place{12, 16}},
		`{"search":" "}`:                                    {Code: "bad_search"},
		`{"search":"* | outputlookup x.csv"}`:               {Code: "forbidden"},
		`{"search":"*","earliest":"never"}`:                 {Code: "bad_time"},
		`{"search":"*","max_rows":-1}`:                      {Code: "bad_request"},
		`{"search":"*","erliest":"-1d"}`:                    {Code: "bad_request"},
		`{"search":"| makeresults | eval x=` + "`m`" + `"}`: {Code: "bad_search", Place: &Place{23, 26}},
	} {
		got := problem(t, ask(t, h, "POST", "/api/v1/search/jobs", body))
		if got.Code != want.Code || want.Place != nil && (got.Place == nil || *got.Place != *want.Place) {
			t.Errorf("%s: %+v %v", body, got, got.Place)
		}
	}
	j := read[jobBody](t, ask(t, h, "POST", "/api/v1/search/jobs", map[string]any{"search": "| makeresults"}))
	if got := problem(t, ask(t, h, "GET", "/api/v1/search/jobs/"+j.ID+"/timeline", nil)); got.Code != "no_events" {
		t.Errorf("%+v", got)
	}
}

func TestEvent(t *testing.T) {
	h, _ := searching(t, auth.Viewer)
	e := read[struct {
		Fields map[string]any
		Raw    string
	}](t, ask(t, h, "GET", "/api/v1/events/00000007-0000-4000-8000-000000000000", nil))
	if e.Fields["n"] != "7" || !strings.Contains(e.Raw, `"n":7`) {
		t.Errorf("%+v", e)
	}
	if got := problem(t, ask(t, h, "GET", "/api/v1/events/0000*", nil)); got.Code != "not_found" {
		t.Errorf("%+v", got)
	}
}

func TestLanguage(t *testing.T) {
	h, _ := searching(t, auth.Viewer)
	for _, path := range []string{"commands", "functions", "aggregates", "fields", "macros"} {
		if l := read[list[word]](t, ask(t, h, "GET", "/api/v1/language/"+path, nil)); l.Total < 15 {
			t.Errorf("%s: %d", path, l.Total)
		}
	}
	p := read[parsed](t, ask(t, h, "POST", "/api/v1/search/parse", map[string]any{"search": "index=aws | where n>1 | stats count by user | sort -count", "explain": true}))
	if !p.OK || p.Events || len(p.Commands) != 4 || p.Commands[2].Kind != "transforming" || p.Front != "search index=aws | where n > 1" || len(p.Steps) == 0 {
		t.Errorf("%+v", p)
	}
	p = read[parsed](t, ask(t, h, "POST", "/api/v1/search/parse", map[string]any{"search": "index=aws | stats conut by user"}))
	if p.OK || p.Error == nil || p.Error.Place == nil || p.Error.Hint == "" {
		t.Errorf("%+v %+v", p, p.Error)
	}
}

// TestComplete: | is the cursor.
func TestComplete(t *testing.T) {
	h, _ := searching(t, auth.Viewer)
	for text, want := range map[string]string{
		"index=aws ; st|":                         "stats ",
		"index=aws ; eval x=low|":                 "lower(",
		"index=aws ; stats perc|":                 "perc(",
		"index=aws ; stats count b|":              "by ",
		"index=aws ; stats count by eventNa|":     "eventName",
		"index=aws ; stats dc(eventNa|":           "eventName",
		"eventNa|":                                "eventName=",
		"eventName=Put|":                          "PutObject",
		`eventName="Put|`:                         "PutObject",
		"`clou|":                                  "cloudtrail",
		"index=aws ; head kee|":                   "keeplast=",
		"index=aws ; append [search eventName=G|": "GetObject",
		"index=aws ; append [search x] ; ta|":     "table ",
		"userName=|":                              `"=cmd"`,
		"index=aws ; rena| x":                     "rename ",
	} {
		in := strings.ReplaceAll(text, ";", "\x00")
		at := strings.Index(in, "|")
		in = strings.ReplaceAll(in[:at]+in[at+1:], "\x00", "|")
		got := read[struct {
			Place Place
			Items []candidate
		}](t, ask(t, h, "POST", "/api/v1/search/complete", map[string]any{"text": in, "cursor": at}))
		if len(got.Items) == 0 || got.Items[0].Insert != want {
			t.Errorf("%s: %+v, want %q first", text, got.Items[:min(3, len(got.Items))], want)
		}
		if typed := strings.TrimRight(in[got.Place.Start:got.Place.End], " "); len(got.Items) > 0 && got.Items[0].Kind != "value" && !strings.HasPrefix(want, typed) {
			t.Errorf("%s: %q is to be replaced", text, typed)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("a [b | c(\"`", 5)
	f.Fuzz(func(t *testing.T, text string, pos int) {
		pos = min(max(0, pos), len(text))
		c := cursorIn(text, pos)
		if c.from < 0 || c.from > pos || c.to < pos || c.to > len(text) {
			t.Errorf("%q at %d: %+v", text, pos, c)
		}
	})
}

func TestSplunkExport(t *testing.T) {
	h, _ := searching(t, auth.Viewer)
	form := func(method, path string, v url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path+"?"+v.Encode(), nil)
		if method == http.MethodPost {
			r = httptest.NewRequest(method, path, strings.NewReader(v.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	q := url.Values{"search": {"search index=aws | table n"}, "output_mode": {"json"}, "count": {"2"}}
	want := `{"preview":false,"offset":0,"result":{"n":"29"}}` + "\n" + `{"preview":false,"offset":1,"lastrow":true,"result":{"n":"28"}}` + "\n"
	for _, method := range []string{"GET", "POST"} {
		if got := form(method, "/services/search/jobs/export", q).Body.String(); got != want {
			t.Errorf("%s: %s", method, got)
		}
	}
	q.Set("output_mode", "csv")
	if got := form("POST", "/servicesNS/admin/search/search/jobs/export", q).Body.String(); got != "n\n29\n28\n" {
		t.Error(got)
	}
	q.Set("output_mode", "raw")
	if w := form("GET", "/services/search/jobs/export", q); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "export as csv or json") {
		t.Error(w.Code, w.Body)
	}
	q.Set("search", strings.Repeat("a", maxJSON+1))
	if w := form("POST", "/services/search/jobs/export", q); w.Code != http.StatusRequestEntityTooLarge {
		t.Error(w.Code, w.Body)
	}
	q.Set("search", "search index=aws | nothing")
	if w := form("GET", "/services/search/jobs/export", q); w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), `{"messages":[{"type":"FATAL","text":"`) {
		t.Error(w.Code, w.Body)
	}
	r := httptest.NewRequest("GET", "/services/search/jobs/export?search=x", nil)
	w := httptest.NewRecorder()
	New(Config{}).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `"messages"`) || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic") {
		t.Error(w.Code, w.Body, w.Header())
	}
}

// TestDocs: the page names every path, and holds nothing that the policy
// forbids.
func TestDocs(t *testing.T) {
	html := ask(t, New(Config{}), "GET", "/api/docs", nil).Body.String()
	for _, r := range (&Server{}).routes() {
		_, path, _ := strings.Cut(strings.ReplaceAll(r.pattern, "...}", "}"), " ")
		if !strings.Contains(html, "<code>"+path+"</code>") {
			t.Errorf("the page lacks %s", path)
		}
	}
	if strings.Contains(html, "<script") || strings.Contains(html, "style=") || strings.Contains(html, "ZgotmplZ") {
		t.Error("the page has something inline")
	}
}

// TestMayWrite: an engineer's browser follows links of other sites, and an engineer's
// token may be that of a language model.
func TestMayWrite(t *testing.T) {
	for _, c := range []struct {
		role            auth.Role
		method, session string
		client          string
		want            bool
	}{
		{auth.Engineer, "POST", "s", "", true},
		{auth.Engineer, "GET", "", "", true}, // of a token
		{auth.Engineer, "GET", "s", "", false},
		{auth.Engineer, "POST", "", mcp.Client, false},
		{auth.Analyst, "POST", "s", "", false},
	} {
		r := httptest.NewRequest(c.method, "/services/search/jobs/export", nil)
		r.Header.Set(mcp.ClientHeader, c.client)
		r = r.WithContext(auth.With(r.Context(), &auth.Principal{Name: "ann", Role: c.role, Session: c.session}))
		if got := mayWrite(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestFinished: an export waits for the end of its search, and one of a search that
// failed fails.
func TestFinished(t *testing.T) {
	var hold sync.Mutex
	c := job.DefaultConfig()
	c.Gate = job.NewGate(2, time.Second)
	st := memory.New()
	c.Options = func(job.Ask, bool) (search.Options, []diag.Notice, error) { return search.Options{Store: st}, nil, nil }
	c.Wrote = func(*search.Options, error) error {
		hold.Lock()
		defer hold.Unlock()
		return errors.New("the disk is full")
	}
	jobs := job.New(c)
	t.Cleanup(jobs.Close)
	hold.Lock()
	j, err := jobs.Start(job.Ask{Search: "index=aws"}, true)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := finished(gone, j); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	hold.Unlock()
	if in, err := finished(t.Context(), j); err == nil || in.State != job.Failed {
		t.Errorf("%v %v", in.State, err)
	}
}
