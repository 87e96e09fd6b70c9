package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/awstest"
	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/source"
	"bluetrail/internal/source/sourcetest"

	"github.com/klauspost/compress/gzip"
)

func packed(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

// positions are Positions in memory.
type positions map[string]string

func (p positions) Resume(source, part string) (string, error) { return p[source+part], nil }
func (p positions) SetResume(source, part, value string) error {
	p[source+part] = value
	return nil
}

func connect(t *testing.T, a aws.Access, name string) *bucket.Bucket {
	t.Helper()
	client, err := aws.New(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return bucket.New(client, name)
}

func TestConformance(t *testing.T) {
	day := time.Now().UTC()
	trail := trailkey.Trail{Prefix: "p/", Account: "111122223333", Folder: trailkey.Log, Region: "us-east-1"}
	for _, follow := range []bool{false, true} {
		for name, c := range map[string]struct {
			key     func(n int, name string) string
			forgets bool
		}{
			"flat":  {func(_ int, name string) string { return "x/" + name }, true},
			"trail": {func(n int, name string) string { return trail.DayOf(day) + fmt.Sprintf("%04d ", n) + name }, false},
		} {
			t.Run(fmt.Sprintf("%s follow=%t", name, follow), func(t *testing.T) {
				sourcetest.Run(t, func(t *testing.T) sourcetest.Case {
					m, n, kept := awstest.NewMemory(t), 0, positions{}
					put := func(name string, data []byte) {
						m.Put("b", c.key(n, name), data, nil)
						n++
					}
					return sourcetest.Case{
						Open: func(t *testing.T) (source.Source, func() error) {
							s, err := New(Options{Bucket: connect(t, m.Access, "b"), Follow: follow, Positions: kept, Every: 50 * time.Millisecond})
							if err != nil {
								t.Fatal(err)
							}
							return s, s.Close
						},
						Put:     func(t *testing.T, name string, records []string) { put(name, []byte(strings.Join(records, "\n"))) },
						Break:   func(t *testing.T, name string) { put(name, packed("{}")[:12]) },
						Endless: follow,
						Forgets: c.forgets || follow, // what came within the last day is asked of the state
					}
				})
			})
		}
	}
}

// all takes everything a source hands out.
func all(t *testing.T, s *Source, most int, ack bool) (keys []string, problems []error) {
	t.Helper()
	for len(keys) < most {
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		b, err := s.Next(ctx)
		stop()
		if err == io.EOF {
			return keys, problems
		}
		if err != nil {
			t.Fatal(keys, problems, err)
		}
		keys = append(keys, strings.TrimPrefix(b.Key, "s3://b/"))
		result := source.Result{}
		var n atomic.Int64
		r, err := b.Open(&n)
		if err == nil {
			for err == nil {
				_, err = r.Next()
			}
			r.Close()
			if result.Done = err == io.EOF; result.Done {
				err = nil
			}
		}
		if err != nil {
			problems = append(problems, err)
		}
		if ack {
			b.Ack(result)
		}
	}
	return keys, problems
}

// TestOrder: trails of accounts and regions in both layouts come merged in the order of
// delivery, between two times, without digests and other services' objects.
func TestOrder(t *testing.T) {
	m := awstest.NewMemory(t)
	start := time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC)
	var want []string
	at := map[string]time.Time{}
	for _, tr := range []trailkey.Trail{
		{Account: "111122223333", Folder: trailkey.Log, Region: "us-east-1"},
		{Account: "111122223333", Folder: trailkey.Insight, Region: "us-east-1"},
		{Org: "o-abcdefghij", Account: "444455556666", Folder: trailkey.Log, Region: "eu-west-1"},
		{Prefix: "other/deep/", Account: "444455556666", Folder: trailkey.Log, Region: "ap-south-1"},
	} {
		for i := range 60 {
			delivered := start.Add(time.Duration(i) * 3 * time.Hour)
			key := tr.Key(delivered, tr.LogName(delivered, fmt.Sprintf("abcdefghijklm%03d", i)))
			m.Put("b", key, []byte("{}"), nil)
			if !delivered.Before(start.Add(24*time.Hour)) && delivered.Before(start.Add(100*time.Hour)) {
				want = append(want, key)
				at[key] = delivered
			}
		}
		tr.Folder = trailkey.Digest
		m.Put("b", tr.Key(start, tr.DigestName("t", "us-east-1", start.Add(30*time.Hour), false)), []byte("{}"), nil)
	}
	m.Put("b", "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/01/31/x.log.gz", []byte("{}"), nil)
	m.Put("b", "AWSLogs/111122223333/CloudTrail/", nil, nil)
	slices.SortFunc(want, func(a, b string) int {
		if c := at[a].Compare(at[b]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	read := func(o Options) []string {
		t.Helper()
		o.Bucket, o.Since, o.Until = connect(t, m.Access, "b"), start.Add(24*time.Hour), start.Add(100*time.Hour)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		keys, problems := all(t, s, 1<<20, true)
		if len(problems) > 0 {
			t.Error(problems)
		}
		return keys
	}
	got := read(Options{})
	if !slices.Equal(got, want) {
		t.Errorf("%d keys, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	got = read(Options{Scope: bucket.Scope{Accounts: []string{"444455556666"}, Regions: []string{"eu-west-1"}}})
	if len(got) != len(want)/4 || !strings.HasPrefix(got[0], "AWSLogs/o-abcdefghij/") {
		t.Errorf("%d keys of one account and region", len(got))
	}
	for prefix, n := range map[string]int{"other": 1, "AWSLogs/o-abcdefghij/": 1, "AWSLogs/111122223333": 2, "AWSLogs/111122223333/CloudTrail/us-east-1/": 1, "AWSLogs/111122223333/CloudTrail/us-east-1/2026/": 1} {
		if got := read(Options{Prefix: prefix}); len(got) != n*len(want)/4 {
			t.Errorf("%s: %d keys, want %d trails of %d", prefix, len(got), n, len(want)/4)
		}
	}
}

// TestResume: a run goes on behind what is durable of each trail, and not behind what is
// not, whatever order it was acknowledged in.
func TestResume(t *testing.T) {
	m, kept := awstest.NewMemory(t), positions{}
	tr := trailkey.Trail{Account: "111122223333", Folder: trailkey.Log, Region: "us-east-1"}
	start := time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC)
	var keys []string
	for i := range 10 {
		at := start.Add(time.Duration(i) * 10 * time.Hour)
		keys = append(keys, tr.Key(at, tr.LogName(at, "abcdefghijklmnop")))
		m.Put("b", keys[i], []byte("{}"), nil)
	}
	open := func() *Source {
		s, err := New(Options{Bucket: connect(t, m.Access, "b"), Positions: kept})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	var batches []*source.Batch
	for range 6 {
		b, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	for _, i := range []int{4, 0, 2, 1} { // 3 is missing
		batches[i].Ack(source.Result{Done: true})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	if got, _ := all(t, s, 100, true); !slices.Equal(got, keys[3:]) {
		t.Errorf("went on with %q", got)
	}
	if err := errors.Join(s.Finished(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if s = open(); len(s.marks) != 0 {
		t.Error("a finished source remembers", s.marks)
	}
	s.Close()
}

// TestFaults: broken answers are repaired by asking again, lasting ones are problems of
// their object, and what concerns all ends a run.
func TestFaults(t *testing.T) {
	m := awstest.NewMemory(t)
	record := packed(strings.Repeat(`{"eventVersion":"1.08","a":1}`+"\n", 200))
	var want []string
	for i := range 12 {
		key := fmt.Sprintf("x/%02d.json.gz", i)
		m.Put("b", key, record, nil)
		want = append(want, key)
	}
	var tries [12]atomic.Int32
	number := func(r *http.Request) int {
		var i int
		if n, _ := fmt.Sscanf(r.URL.Path, "/b/x/%02d", &i); n != 1 {
			return -1
		}
		return i
	}
	url := awstest.Faulty(t, m.Access.Endpoint, func(r *http.Request, n int) awstest.Fault {
		i := number(r)
		if i < 0 {
			return awstest.Fault{}
		}
		first := tries[i].Add(1) == 1
		switch {
		case first && i == 0:
			return awstest.Fault{Status: 503, Code: "SlowDown"}
		case first && i == 1:
			return awstest.Fault{Reset: true}
		case first && i == 2:
			return awstest.Fault{Cut: 10}
		case first && i == 3:
			return awstest.Fault{Short: 7}
		case first && i == 4:
			return awstest.Fault{Edit: func(b []byte) []byte { b[20] ^= 1; return b }}
		case first && i == 5:
			return awstest.Fault{Lost: true}
		case i == 6:
			return awstest.Fault{Status: 403, Code: "AccessDenied", Text: "User: u is not authorized to perform: kms:Decrypt on the resource"}
		}
		return awstest.Fault{}
	})
	a := m.Access
	a.Endpoint = url
	s, err := New(Options{Bucket: connect(t, a, "b"), wait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, problems := all(t, s, 100, true)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "key policy does not let this role decrypt") {
		t.Errorf("problems %v", problems)
	}
	a.Endpoint = awstest.Faulty(t, m.Access.Endpoint, func(r *http.Request, n int) awstest.Fault {
		if number(r) >= 0 {
			return awstest.Fault{Status: 400, Code: "ExpiredToken"}
		}
		return awstest.Fault{}
	})
	s, err = New(Options{Bucket: connect(t, a, "b")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for err == nil {
		var b *source.Batch
		if b, err = s.Next(t.Context()); err == nil {
			var n atomic.Int64
			_, _ = b.Open(&n)
		}
	}
	if !strings.Contains(err.Error(), "credentials have expired") {
		t.Error(err)
	}
}

// TestFollow: what comes is handed out once, new regions too, and an object that could
// not be read is read once it can be.
func TestFollow(t *testing.T) {
	m := awstest.NewMemory(t)
	now := time.Now().UTC()
	tr := trailkey.Trail{Account: "111122223333", Folder: trailkey.Log, Region: "us-east-1"}
	put := func(i int) string {
		key := tr.Key(now, tr.LogName(now, fmt.Sprintf("abcdefghijklm%03d", i)))
		m.Put("b", key, []byte(`{"eventVersion":"1.08"}`), nil)
		return key
	}
	var denied atomic.Bool
	denied.Store(true)
	a := m.Access
	a.Endpoint = awstest.Faulty(t, m.Access.Endpoint, func(r *http.Request, n int) awstest.Fault {
		if denied.Load() && strings.HasSuffix(r.URL.Path, "002.json.gz") {
			return awstest.Fault{Status: 403, Code: "AccessDenied"}
		}
		return awstest.Fault{}
	})
	want := []string{put(1), put(2), put(3)}
	var clock atomic.Int64
	s, err := New(Options{Bucket: connect(t, a, "b"), Follow: true, Every: 10 * time.Millisecond, now: func() time.Time { return now.Add(time.Duration(clock.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, problems := all(t, s, 3, true)
	if !slices.Equal(got, want) || len(problems) != 1 {
		t.Errorf("%q, problems %v", got, problems)
	}
	denied.Store(false)
	clock.Store(int64(2 * time.Minute))
	if got, problems = all(t, s, 1, true); !slices.Equal(got, want[1:2]) || len(problems) != 0 {
		t.Errorf("again: %q, problems %v", got, problems)
	}
	want = []string{put(0)} // sorts before the others
	tr.Region = "eu-west-1"
	if got, _ = all(t, s, 1, true); !slices.Equal(got, want) {
		t.Errorf("late: %q", got)
	}
	want = []string{put(9)}
	clock.Store(int64(2 * time.Hour))
	if got, _ = all(t, s, 1, true); !slices.Equal(got, want) {
		t.Errorf("new region: %q", got)
	}
}

// TestKeys reads named objects only, and says which are not there.
func TestKeys(t *testing.T) {
	m := awstest.NewMemory(t)
	for _, key := range []string{"a/1.json", "a/2.json", "a/3.json", "a/b/4.json", "5.json"} {
		m.Put("b", key, []byte("{}"), nil)
	}
	for _, c := range []struct{ bucket, keys, want, missing string }{
		{"b", "a/2.json,5.json,a/b/4.json,a/0.json,c/6.json", "5.json a/2.json a/b/4.json", "a/0.json c/6.json"},
		{"none", "a/2.json", "", "a/2.json"},
	} {
		s, err := New(Options{Bucket: connect(t, m.Access, c.bucket), Keys: strings.Split(c.keys, ",")})
		if err != nil {
			t.Fatal(err)
		}
		keys, problems := all(t, s, 10, true)
		if got := strings.Join(keys, " "); got != c.want || len(problems) > 0 {
			t.Errorf("%s: read %q, want %q; %v", c.bucket, got, c.want, problems)
		}
		if got := strings.Join(s.Missing(), " "); got != c.missing {
			t.Errorf("%s: missing %q, want %q", c.bucket, got, c.missing)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
