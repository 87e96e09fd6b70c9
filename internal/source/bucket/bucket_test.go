package bucket

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/awstest"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/store/files"
	"bluetrail/internal/vector"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// zipped packs records: one for each id, at a time.
func zipped(account, region string, at time.Time, ids ...int) []byte {
	var records []string
	for _, id := range ids {
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":%q,"recipientAccountId":%q,"userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"alice"}}`,
			id, at.UTC().Format(time.RFC3339), region, account))
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	fmt.Fprintf(z, `{"Records":[%s]}`, strings.Join(records, ","))
	z.Close()
	return out.Bytes()
}

var begin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// trailObjects is a trail of two accounts and two regions over ten days, 2 objects a day,
// with what else lies about in a bucket.
func trailObjects() map[string][]byte {
	objects := map[string][]byte{}
	id := 0
	for _, account := range []string{"111122223333", "444455556666"} {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			for n := range 20 {
				at := begin.Add(time.Duration(n) * 12 * time.Hour)
				id++
				key := fmt.Sprintf("logs/AWSLogs/o-abcdefghij/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%sZ_%016d.json.gz", account, region, at.Format("2006/01/02"), account, region, at.Add(5*time.Minute).Format("20060102T1504"), id)
				objects[key] = zipped(account, region, at, id)
			}
		}
	}
	objects["logs/AWSLogs/o-abcdefghij/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20260301T010000Z.json.gz"] = []byte("{}")
	objects["logs/AWSLogs/o-abcdefghij/111122223333/Config/us-east-1/2026/3/1/x.json.gz"] = []byte("{}")
	objects["logs/a copy & <odd> key+.json.gz"] = zipped("111122223333", "eu-west-1", begin, 1, 9001)
	objects["logs/picture"] = []byte("\x89PNG\r\n\x1a\n picture")
	objects["logs/"] = []byte{}
	objects["logsmith/x.json.gz"] = zipped("111122223333", "us-east-1", begin, 9999)
	return objects
}

// query runs a search and returns its eventIDs, sorted.
func query(t *testing.T, st *files.Store, where filter.Expr, earliest, latest int64) (ids []string) {
	t.Helper()
	sc, err := st.Prepare(&store.Query{Filter: where, Fields: filter.Fields("eventID", event.Source), Earliest: earliest, Latest: latest})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	if err := sc.Run(t.Context(), func(_ int, b *vector.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		for i := range b.Len {
			ids = append(ids, strings.Clone(b.At("eventID", i).Text()))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func open(t *testing.T, o Options) (*files.Store, *Place) {
	t.Helper()
	p, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	st, err := files.Open(nil, files.Options{Remote: p, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return st, p
}

// onDisk writes objects to a folder.
func onDisk(t *testing.T, objects map[string][]byte, prefix string) *files.Store {
	t.Helper()
	dir := t.TempDir()
	for key, body := range objects {
		if !strings.HasPrefix(key, prefix) || strings.HasSuffix(key, "/") || strings.Contains(key, "/Config/") || strings.Contains(key, "Digest") {
			continue
		}
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := files.Open([]string{dir}, files.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestSameRows: a bucket gives the rows that its objects give as files, whatever part of
// it the search needs, and keys that it does not need are neither listed nor fetched.
func TestSameRows(t *testing.T) {
	objects := trailObjects()
	s := serve(t, objects)
	disk := onDisk(t, objects, "logs/")
	day := func(n int) int64 { return begin.AddDate(0, 0, n).UnixNano() }
	eq := func(f, v string) filter.Expr { return &filter.Compare{Field: f, Op: "=", Value: v} }
	for name, c := range map[string]struct {
		where            filter.Expr
		earliest, latest int64
		rows, gets       int
	}{
		"everything":     {&filter.Everything{}, store.Beginning, store.End, 81, 82},
		"days":           {&filter.Everything{}, day(2), day(4), 16, 24 + 2},
		"from":           {&filter.Everything{}, day(9), store.End, 8, 8 + 2},
		"account":        {eq("recipientAccountId", "4444*"), store.Beginning, store.End, 40, 40 + 2},
		"caller":         {eq("aws_account_id", "111122223333"), store.Beginning, store.End, 81, 82},
		"region":         {&filter.And{Args: []filter.Expr{eq("region", "EU-WEST-1"), eq("eventName", "CreateUser")}}, day(0), day(1), 5, 8 + 2},
		"other region":   {&filter.Not{Arg: eq("awsRegion", "eu-west-1")}, day(0), day(1), 4, 16 + 2},
		"either":         {&filter.Or{Args: []filter.Expr{eq("awsRegion", "eu-west-1"), eq("eventID", "00000000-0000-4000-8000-000000000021")}}, store.Beginning, store.End, 42, 82},
		"both accounts":  {&filter.In{Field: "recipientAccountId", Values: []string{"444455556666", "111122223333"}}, day(5), day(6), 8, 16 + 2},
		"none":           {eq("recipientAccountId", "999999999999"), store.Beginning, store.End, 0, 2},
		"before the day": {&filter.Everything{}, store.Beginning, day(1), 9, 16 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			s.requests()
			st, p := open(t, Options{Addresses: []string{"s3://trail/logs"}, Access: s.access(), Late: 13 * time.Hour, Now: begin.AddDate(0, 0, 12)})
			got, want := query(t, st, c.where, c.earliest, c.latest), query(t, disk, c.where, c.earliest, c.latest)
			if !slices.Equal(got, want) || len(got) != c.rows {
				t.Errorf("%d rows, files have %d, want %d", len(got), len(want), c.rows)
			}
			if stats := st.Stats(); len(stats.Skipped) > 0 || !strings.Contains(stats.LeftOut, "picture") {
				t.Error(stats.Skipped, stats.LeftOut)
			}
			gets, lists := 0, int64(0)
			for _, r := range s.requests() {
				if strings.HasPrefix(r, "GET") {
					gets++
				} else {
					lists++
				}
				if strings.Contains(r, "Digest") || strings.Contains(r, "Config") || strings.Contains(r, "logsmith") || name == "account" && strings.Contains(r, "1111") {
					t.Error("asked for", r)
				}
			}
			cost := p.Costs()[0]
			if gets != c.gets || cost.Gets != int64(gets) || cost.Lists != lists || cost.Objects != int64(gets) {
				t.Errorf("%d objects fetched, want %d; counted: %+v", gets, c.gets, cost)
			}
			trimmed := strings.Contains(fmt.Sprint(p.Notes()), "--late")
			if trimmed != (c.latest != store.End) {
				t.Error(p.Notes())
			}
		})
	}
}

// TestSeveral: one store answers several searches of different ranges; a dry run counts
// the same requests and fetches nothing.
func TestSeveral(t *testing.T) {
	objects := trailObjects()
	s := serve(t, objects)
	day := func(n int) int64 { return begin.AddDate(0, 0, n).UnixNano() }
	o := Options{Addresses: []string{"s3://trail/logs/AWSLogs/", "s3://trail/logs/AWSLogs"}, Access: s.access(), Now: begin.AddDate(0, 0, 12)}
	st, p := open(t, o)
	disk := onDisk(t, objects, "logs/AWSLogs/")
	where := &filter.Compare{Field: "recipientAccountId", Op: "=", Value: "111122223333"}
	for _, r := range [][2]int{{3, 4}, {6, 8}, {3, 8}, {0, 2}} {
		if got, want := query(t, st, where, day(r[0]), day(r[1])), query(t, disk, where, day(r[0]), day(r[1])); !slices.Equal(got, want) || len(got) == 0 {
			t.Error(r, got, want)
		}
	}
	if got, want := query(t, st, &filter.Everything{}, store.Beginning, store.End), query(t, disk, &filter.Everything{}, store.Beginning, store.End); !slices.Equal(got, want) {
		t.Error(len(got), len(want))
	}
	visited := 0
	if err := st.Visit(t.Context(), event.NewIdentifier(nil), func(worker int, _ []byte, _ *event.Row) {
		if worker == 0 {
			visited++
		}
	}); err != nil || visited > 80 {
		t.Error(visited, err)
	}
	if !strings.Contains(fmt.Sprint(p.Notes()), "Config") {
		t.Error(p.Notes())
	}
	o.DryRun = true
	o.Addresses = []string{"s3://trail/logs/AWSLogs/o-abcdefghij/111122223333/CloudTrail/us-east-1/"}
	s.requests()
	dry, place := open(t, o)
	if rows := query(t, dry, &filter.Everything{}, day(3), day(4)); len(rows) > 0 {
		t.Error(rows)
	}
	cost := place.Costs()[0]
	if cost.Objects != 2 || cost.Gets != 2 || cost.Bytes < 300 || slices.ContainsFunc(s.requests(), func(r string) bool { return strings.HasPrefix(r, "GET") }) {
		t.Errorf("%+v", cost)
	}
	if lines := strings.Join(place.Explain(where, day(3), day(4)), "\n"); !strings.Contains(lines, "recipientAccountId=111122223333") || !strings.Contains(lines, "2026-03-04") {
		t.Error(lines)
	}
}

// TestFaults: what breaks on the way changes no row; what cannot be read is named and
// stops nothing.
func TestFaults(t *testing.T) {
	objects := trailObjects()
	objects["logs/big.json"] = bytes.Repeat([]byte(" "), wholeSize)
	objects["logs/big.json"] = append(objects["logs/big.json"], `{"Records":[{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000777777","eventTime":"2026-03-01T00:00:00Z","eventName":"X","eventSource":"s"}]}`...)
	s := serve(t, objects)
	disk := onDisk(t, objects, "logs/")
	s.fault = func(w http.ResponseWriter, key string, n int, body []byte) bool {
		if n%3 == 0 || strings.HasPrefix(key, "LIST") {
			return false
		}
		switch len(key) * n % 4 {
		case 0:
			refuse(w, 503, "SlowDown")
		case 1:
			panic(http.ErrAbortHandler)
		case 2: // the length is right, the end is missing
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			w.Write(body[:len(body)/2])
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 3: // the length is wrong
			w.Header().Set("Content-Length", fmt.Sprint(len(body)/3))
			w.Write(body[:len(body)/3])
		}
		return true
	}
	st, _ := open(t, Options{Addresses: []string{"s3://trail/logs/"}, Access: s.access(), Now: begin.AddDate(0, 0, 12)})
	want := query(t, disk, &filter.Everything{}, store.Beginning, store.End)
	if got := query(t, st, &filter.Everything{}, store.Beginning, store.End); !slices.Equal(got, want) || len(st.Stats().Skipped) > 0 {
		t.Errorf("%d rows, want %d: %v", len(got), len(want), st.Stats().Skipped)
	}
	// Objects that are refused for good, and one account that cannot be listed.
	refused := 0
	s.mu.Lock()
	s.fault = func(w http.ResponseWriter, key string, n int, _ []byte) bool {
		if strings.HasPrefix(key, "LIST") && strings.Contains(key, "444455556666") || strings.Contains(key, "eu-west-1/2026/03/02") {
			refuse(w, 403, "AccessDenied")
			return true
		}
		return false
	}
	s.mu.Unlock()
	st, _ = open(t, Options{Addresses: []string{"s3://trail/logs/AWSLogs/"}, Access: s.access(), Now: begin.AddDate(0, 0, 12)})
	if got := query(t, st, &filter.Everything{}, store.Beginning, store.End); len(got) != 38 {
		t.Error(len(got))
	}
	for _, n := range st.Stats().Skipped {
		if text := n.String(); strings.Contains(text, "denied") && strings.Contains(text, "s3://trail/logs/AWSLogs/o-abcdefghij/") {
			refused++
		}
	}
	if refused != 3 {
		t.Error(st.Stats().Skipped)
	}
	// An address that cannot be listed at all is an error.
	for address, word := range map[string]string{"s3://nobody/x": "no such bucket", "s3://trail/nothing": "no objects under", "s3://trail/logs/*.gz": "globs"} {
		p, err := New(t.Context(), Options{Addresses: []string{address}, Access: s.access()})
		if err == nil {
			_, _, err = p.List(t.Context(), &filter.Everything{}, math.MinInt64, math.MaxInt64)
		}
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"s3://", "s3://a/x", "s3://../x"} {
		if _, err := New(t.Context(), Options{Addresses: []string{address}, Access: s.access()}); err == nil {
			t.Error(address, "is taken")
		}
	}
	// A pass that ends early leaves nothing behind that waits.
	ctx, cancel := context.WithCancel(t.Context())
	st, _ = open(t, Options{Addresses: []string{"s3://trail/logs/"}, Access: s.access(), Now: begin.AddDate(0, 0, 12)})
	sc, err := st.Prepare(&store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("eventID"), Earliest: store.Beginning, Latest: store.End})
	if err != nil {
		t.Fatal(err)
	}
	if err := sc.Run(ctx, func(int, *vector.Batch) error { cancel(); return nil }); err == nil {
		t.Error("the pass did not end with its context")
	}
}

// TestRealServer: versitygw gives the rows of the files, through a proxy that makes faults.
func TestRealServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server")
	}
	access := awstest.S3(t)
	client, err := aws.New(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	objects := trailObjects()
	delete(objects, "logs/") // it has folders of its own
	objects["logs/big.json"] = append(bytes.Repeat([]byte(" "), wholeSize), `{"Records":[{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000777777","eventTime":"2026-03-01T00:00:00Z","eventName":"X","eventSource":"s"}]}`...)
	name := "trail"
	if _, err := client.S3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	for key, body := range objects {
		if _, err := client.S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			t.Fatal(key, err)
		}
	}
	faulty := access
	faulty.Endpoint = awstest.Faulty(t, access.Endpoint, func(_ *http.Request, n int) awstest.Fault {
		return []awstest.Fault{{}, {}, {}, {Status: 503, Code: "SlowDown"}, {}, {Reset: true}, {}, {Cut: 100}, {}, {}, {Short: 1}}[n%11]
	})
	disk := onDisk(t, objects, "logs/")
	st, _ := open(t, Options{Addresses: []string{"s3://trail/logs"}, Access: faulty, Now: begin.AddDate(0, 0, 12)})
	for _, where := range []filter.Expr{&filter.Everything{}, &filter.Compare{Field: "awsRegion", Op: "=", Value: "us-*"}} {
		want := query(t, disk, where, begin.UnixNano(), store.End)
		if got := query(t, st, where, begin.UnixNano(), store.End); !slices.Equal(got, want) || len(got) < 40 || len(st.Stats().Skipped) > 0 {
			t.Errorf("%d rows, want %d: %v", len(got), len(want), st.Stats().Skipped)
		}
	}
}

// TestCache: what was fetched is not fetched again, the limit holds, and two caches over
// one folder do not disturb each other.
func TestCache(t *testing.T) {
	objects := trailObjects()
	objects["logs/AWSLogs/../../../evil.json.gz"] = zipped("111122223333", "us-east-1", begin, 5000)
	s := serve(t, objects)
	dir := filepath.Join(t.TempDir(), "cache")
	size := func() (n int64) {
		err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				n += info.Size()
				if info.Mode().Perm() != 0o600 {
					t.Error(path, info.Mode())
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	run := func(limit int64) (gets int) {
		cache, err := OpenCache(dir, limit)
		if err != nil {
			t.Fatal(err)
		}
		s.requests()
		st, _ := open(t, Options{Addresses: []string{"s3://trail/logs/"}, Access: s.access(), Cache: cache})
		if got := query(t, st, &filter.Everything{}, store.Beginning, store.End); len(got) != 82 {
			t.Errorf("%d rows", len(got))
		}
		for _, r := range s.requests() {
			if strings.HasPrefix(r, "GET") {
				gets++
			}
		}
		return gets
	}
	if first, again := run(1<<30), run(1<<30); first != 83 || again != 0 {
		t.Error(first, again)
	}
	full := size()
	s.mu.Lock()
	objects["logs/picture"] = []byte("\x89PNG\r\n\x1a\n another") // of another ETag
	s.mu.Unlock()
	if n := run(1 << 30); n != 1 {
		t.Error(n)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { run(full / 2) })
	}
	wg.Wait()
	if n := size(); n > full/2+full/4 {
		t.Errorf("%d bytes, the limit is %d", n, full/2)
	}
	if n := run(full / 2); n == 0 { // how many depends on the order in which they were read before
		t.Error("half a cache answers all")
	}
	if n := size(); n > full/2 {
		t.Errorf("%d bytes, the limit is %d", n, full/2)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}
