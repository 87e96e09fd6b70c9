package vlogs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/generate"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

var ctx = context.Background()

// crafted are records at the limits of what columns can express.
var crafted = []string{
	`{"eventVersion":"1.08","eventID":"c1","eventTime":"2026-01-05T10:00:00Z","eventName":"A","errorMessage":""}`,
	`{"eventVersion":"1.08","eventID":"c2","eventTime":"2026-01-05T10:00:00.123456789Z","eventName":["A","B"],"eventSource":"x.amazonaws.com"}`,
	`{"eventVersion":"1.08","eventID":"c3","eventTime":"1999-01-05T10:00:00Z","eventName":"Old","awsRegion":"us-east-1"}`,
	`{"eventVersion":"1.08","eventID":"c4","eventTime":"2199-01-05T10:00:00Z","eventName":"Future","awsRegion":"us-east-1"}`,
	`{"eventVersion":"1.08","eventID":"c5","eventTime":"1969-12-31T23:59:58.5Z","eventName":"BeforeAll"}`,
	`{"eventVersion":"1.08","eventID":"c6","eventTime":"2026-01-05T10:00:01Z","eventName":"Escaped","userAgent":"caf\u00e9 \u0041lpha_Beta\/gamma","requestParameters":{"bucketName":"My_Bucket-\u0031"}}`,
	`{"eventVersion":"1.08","eventID":"c7","eventTime":"2026-01-05T10:00:02Z","eventName":"Own","src":"me","region":"here","sourceIPAddress":"198.51.100.7"}`,
	`{"eventVersion":"1.08","eventID":"c8","eventTime":"2026-01-05T10:00:02Z","eventName":"OwnOnly","src":"me"}`,
	`{"_time":1767607200,"eventID":"c9","src":"me","awsRegion":"us-east-1","user":"bob","status":"on","errorCode":7}`,
	`{"eventID":"c10","awsRegion":"us-east-1","userIdentity":{"type":"IAMUser","userName":"Bob"}}`,
	`{"eventVersion":"1.08","eventID":"c11","eventTime":"2026-01-05T10:00:03Z","eventName":"` + strings.Repeat("N", 400) + `"}`,
	`{"eventVersion":"1.08","eventID":"c12","eventTime":"2026-01-05T10:00:03Z","eventName":"Long","userAgent":"` + strings.Repeat("agent smith ", 4000) + `"}`,
	`{"eventVersion":"1.08","eventID":"c13","eventTime":"2026-01-05T10:00:04Z","eventName":"Huge","userAgent":"curl","requestParameters":{"bucketName":"needle-in-huge","pad":"` + strings.Repeat("pad ", 300_000) + `"}}`,
	`{"eventVersion":"1.08","eventID":"c14","eventTime":"2026-01-05T10:00:05Z","eventName":"Wide","requestParameters":{` + wide(3000) + `"` + strings.Repeat("deep", 60) + `":"far"}}`,
	`{"eventVersion":"1.08","eventID":"c15","eventTime":"2026-01-05T10:00:06Z","eventName":"Kelvin","userAgent":"Kelvin ſhort 10","readOnly":true,"errorCode":"007","recipientAccountId":"000000000012"}`,
	`{"eventVersion":"1.08","eventID":"c16","eventTime":"2026-01-05T10:00:07Z","eventName":"Typed","sourceIPAddress":"010.0.0.1","eventVersion2":1.50,"userAgent":"1.50","errorMessage":"2026-01-05T10:00:07.000Z"}`,
	`{"eventID":"c17"}`,
	`{"eventVersion":"1.08","eventID":"c18","eventName":"NoTime","date_hour":"late","date_wday":"never"}`,
	`{"eventID":"c19","date_hour":"late","time":"2026-01-05T12:00:00+02:00","date_wday":"friday"}`,
	`{"eventVersion":"1.08","eventID":"c20","eventTime":"2026-01-05T10:00:08Z","eventName":"Lists","requestParameters":{"names":["","ab","Xy"],"one":[""],"set":["ab"],"many":["a","b"],"none":[]}}`,
	`{"eventVersion":"1.08","eventID":"c21","eventTime":"2026-01-05T10:00:08Z","eventName":"Lists","requestParameters":{"names":["xy\u0001ab"],"set":["Ab","cd"],"many":"a\u0001b","":"none"}}`,
	`{"eventVersion":"1.08","eventID":"c22","eventTime":"2026-01-05T10:00:08Z","eventName":"Twice","requestParameters":{"dot.ted":1,"dot":{"ted":2},"*":"star","set":"plain","names":["AB"]},"leaf:user":"l","user":"u","errorCode":"","_x":"under"}`,
	`{"eventID":"c23","leaf:user":"l","leaf:leaf:user":"m","user":["u","v"],"msg":"hello","dest":"here","severity":"high","_x":"under","_seq":"17","_msg":"text","_stream":"river"}`,
	`{"eventVersion":"1.08","eventTime":"2026-01-05T10:00:08Z","eventName":"NoID","userIdentity":{"type":"Root","arn":"arn:aws:iam::123456789012:root"}}`,
}

func wide(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"field%d":"value%d",`, i, i)
	}
	return b.String()
}

func realRecords(t testing.TB) (list [][]byte) {
	t.Helper()
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	for _, name := range []string{"students-142.ndjson.gz", "examples-48.ndjson.gz", "weird.ndjson"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Logf("without real records (set BLUETRAIL_TESTDATA): %v", err)
			return nil
		}
		if zr, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
			if data, err = io.ReadAll(zr); err != nil {
				t.Fatal(err)
			}
		}
		d := event.NewDecoder(bytes.NewReader(data), event.Limits{})
		for {
			rec, err := d.Next()
			if err != nil {
				break
			}
			list = append(list, bytes.Clone(rec.Raw))
		}
	}
	return list
}

// testRecords returns crafted, generated and real records, but only one in
// every so many of the generated ones.
func testRecords(t testing.TB, of int) (list [][]byte) {
	t.Helper()
	for _, c := range crafted {
		list = append(list, []byte(c))
	}
	cfg := generate.Default()
	cfg.Events, cfg.End = generate.MinEvents, time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	n := 0
	err := generate.Stream(ctx, cfg, func(raw []byte, _ time.Time) error {
		if n++; n%of == 0 {
			list = append(list, bytes.Clone(raw))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(list, realRecords(t)...)
}

// both returns a memory store and an embedded one with the same events.
func both(t testing.TB, records [][]byte) (*memory.Store, *Store) {
	t.Helper()
	mem := memory.New()
	st, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	const batch = 1_768_000_000_123
	w := st.NewWriter()
	defer w.Close()
	seq := uint64(0)
	for i, raw := range records {
		m := event.Meta{Index: event.DefaultIndex, Sourcetype: event.Detect(raw), Source: fmt.Sprintf("file%d", i%3), Host: "aws", IndexTime: batch / 1000.0, Fallback: 1_767_600_000_000_000_000}
		if i%50 == 7 {
			m.Index = "Other"
		}
		added, err := mem.Add(raw, &m)
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if !added {
			continue
		}
		r := Record{Raw: raw, Meta: &m, Time: m.Fallback, Batch: batch, Seq: seq}
		if ns, ok := event.TimeOf(raw); ok {
			r.Time, r.Timed = ns, true
		}
		if r.ID, r.Given = event.ID(raw); !r.Given {
			r.ID[0], r.ID[1] = byte(i), byte(i>>8)
		}
		if err := w.Add(&r); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		seq++
		if i%700 == 0 {
			w.Flush()
		}
	}
	w.Flush()
	if err := st.Sync(); err != nil {
		t.Fatal(err)
	}
	if got, want := st.Info().Events, uint64(mem.Len()); got != want {
		t.Fatalf("%d rows stored, want %d", got, want)
	}
	return mem, st
}

// answer runs a query and returns its rows as text, sorted.
func answer(t testing.TB, st store.Store, q store.Query) []string {
	t.Helper()
	sc, err := st.Prepare(&q)
	if err != nil {
		t.Fatal(err)
	}
	var check []*filter.Matcher
	for range sc.Workers() {
		var m *filter.Matcher
		if r := sc.Residual(); r != nil {
			if m, err = filter.NewMatcher(r, q.Now); err != nil {
				t.Fatal(err)
			}
		}
		check = append(check, m)
	}
	var mu sync.Mutex
	var rows []string
	err = sc.Run(ctx, func(w int, b *vector.Batch) error {
		if check[w] != nil {
			b = check[w].Filter(b)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range b.Len {
			rows = append(rows, rowText(b, i, &q))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rows)
	return rows
}

func rowText(b *vector.Batch, i int, q *store.Query) string {
	var cells []string
	for _, c := range b.Cols {
		if c.Name == store.Seq && q.Ordered || q.Fields.Has(c.Name) {
			if v := c.At(i); !v.IsNull() {
				cells = append(cells, fmt.Sprintf("%s=%.200q", c.Name, v.All()))
			}
		}
	}
	slices.Sort(cells)
	return strings.Join(cells, " ")
}

// searches are run with several sets of fields.
var searches = []string{
	`*`, `eventName=ConsoleLogin`, `eventName=consolelogin`, `eventName!=ConsoleLogin`, `NOT eventName=ConsoleLogin`, `eventName=*login*`, `eventName=Describe*`,
	`index=main`, `index=aws`, `index=other`, `index!=main`, `index=*`, `sourcetype=aws:cloudtrail`, `sourcetype=_json`, `source=FILE1`, `host=aws`,
	`errorMessage=*`, `errorMessage!=*`, `NOT errorMessage=*`, `errorMessage=""`, `errorCode=success`, `errorCode!=success`, `errorCode=Access*`,
	`eventName=A`, `eventName=B`, `eventName!=A`, `NOT eventName=A`, `eventName=Old`, `eventName=Future OR eventName=BeforeAll`,
	`src=me`, `src=198.51.100.7`, `src!=me`, `src=*`, `NOT src=*`, `src_ip=198.51.100.0/24`, `sourceIPAddress=198.51.100.0/24`, `sourceIPAddress=192.0.0.0/5`, `sourceIPAddress!=198.51.100.0/24`, `region=us-east-1`, `region=here`, `signature=Own*`,
	`user=bob`, `user=*`, `status=on`, `errorCode=7`, `errorCode=007`, `recipientAccountId=12`, `recipientAccountId=000000000012`,
	`"needle-in-huge"`, `requestParameters.bucketName=needle-in-huge`, `requestParameters.bucketName=my_bucket-1`, `requestParameters.bucketName=*bucket*`, `field2999=*`, `requestParameters.field2999=value2999`, `requestParameters.field2998=VALUE*`,
	`alpha_beta`, `u0041lpha_beta`, `gamma`, `café`, `userAgent="*café alpha*"`, `userAgent=*GAMMA`, `kelvin`, `userAgent="kelvin*"`, `userAgent="Kelvin ſhort 10"`, `userAgent=*short*`,
	`userAgent=1.50`, `userAgent=1.5`, `errorMessage="2026-01-05T10:00:07.000Z"`, `errorMessage="2026-01-05T10:00:07Z"`, `sourceIPAddress=010.0.0.1`, `sourceIPAddress=10.0.0.1`,
	`eventVersion=1.08`, `eventVersion>1.05`, `readOnly=true`, `readOnly=TRUE`, `eventName IN (ConsoleLogin, "Get*", a)`, `NOT eventName IN (ConsoleLogin, "Get*", a)`,
	`userIdentity.type=root`, `userIdentity.type=CASE(root)`, `userIdentity.type=CASE(Root)`, `iamuser`, `CASE(IAMUser)`, `TERM(arn:aws:iam::123456789012:root)`, `assum*`, `s3 NOT describe*`, `"us-east-1" OR bob`, `NOT bob`,
	`(eventSource=s3.amazonaws.com OR eventSource=ec2.amazonaws.com) eventName=*Bucket* NOT errorCode=AccessDenied`, `errorCode=* user_type=IAMUser src=*`, `date_hour=10`, `date_wday=monday`, `date_hour>9 date_month=January`, `NOT date_mday=5`, `_indextime>0`, `_indextime=1768000000`, `_indextime>1768000000`, `linecount=1`, `vendor_region=us-east-1 app=AwsApiCall`,
	`requestParameters.names{}=ab`, `requestParameters.names{}=a*`, `requestParameters.names{}=*x*b*`, `requestParameters.names{}!=ab`, `NOT requestParameters.names{}=ab`, `requestParameters.names{}=""`, `requestParameters.one{}=""`, `requestParameters.one{}=*`, `requestParameters.one{}!=x`,
	`requestParameters.set{}=AB`, `requestParameters.set{}=CASE(ab)`, `requestParameters.set{}!=CASE(Ab)`, `requestParameters.set=pl*`, `requestParameters.many{}=b NOT requestParameters.many{}=a*b`, `requestParameters.dot.ted=2`, `requestParameters.none{}=*`, `errorCode=""`,
	`msg=hello`, `msg!=success`, `dest=here`, `severity=high`, `severity=Informational`, `severity!=high`, `api.operation=lists`, `NOT api.operation=lists`, `_x=under`, `_x=*`, `leaf:user=l`, `leaf:leaf:user=m`, `user{}=V`, `_seq=17`, `_seq!=17`, `_seq=*`, `_stream=river`, `result_id=""`, `result_id=access*`,
	`eventID=c13`, `eventName=n*`, `agent smith`, `userAgent="agent smith*"`, `eventName=` + strings.Repeat("n", 400),
	`sourcetype=aws:asl`, `sourcetype!=aws:ASL`, `sourcetype IN (aws:asl, x)`,
}

var fieldSets = []filter.FieldSet{
	filter.Fields(), filter.Fields("eventName"), filter.Fields("eventName", "sourceIPAddress", "src", "user", "_time", "_indextime"), filter.Fields("_raw"),
	filter.Fields("requestParameters.bucketName", "date_hour", "signature"), filter.Fields("eventName", "date_second", "date_wday", "date_zone", "date_year"), filter.Fields("user*", "sev*", "index"), filter.AllFields(),
	filter.Fields("requestParameters.names{}", "requestParameters.set{}", "requestParameters.set", "requestParameters.many", "errorCode", "result_id", "msg", "dest", "severity", "api.operation", "user", "user{}", "leaf:user", "_x", "_seq", "_stream", "object"),
}

// TestSameAsMemory runs every search with every set of fields.
func TestSameAsMemory(t *testing.T) {
	mem, st := both(t, testRecords(t, 20))
	for n, text := range searches {
		t.Run(text[:min(len(text), 60)], func(t *testing.T) {
			t.Parallel()
			filter, err := syntax.ParseSearchExpr(text)
			if err != nil {
				t.Fatal(err)
			}
			for k, fields := range fieldSets {
				if k > 0 {
					fields = fields.Add("eventID") // makes rows distinct
				}
				q := store.Query{Filter: filter, Fields: store.Wanted(fields, filter), Earliest: store.Beginning, Latest: store.End, Ordered: (n+k)%2 == 0, Now: time.Unix(1_768_000_000, 0)}
				if (n+k)%3 == 1 {
					q.Earliest, q.Latest = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC).UnixNano(), time.Date(2026, 1, 5, 10, 0, 7, 0, time.UTC).UnixNano()
				}
				if diff := cmp.Diff(answer(t, mem, q), answer(t, st, q)); diff != "" {
					sc, _ := st.Prepare(&q)
					t.Errorf("fields %v all=%v ordered=%v (-memory +vlogs), %q:\n%.3000s", fields.Names(), fields.All(), q.Ordered, sc.Explain(), diff)
				}
			}
		})
	}
}

// TestRandomSearches builds searches from values that occur.
func TestRandomSearches(t *testing.T) {
	records := testRecords(t, 4)
	mem, st := both(t, records)
	rnd := rand.New(rand.NewPCG(7, 11))
	var pairs [][2]string
	for _, raw := range records {
		m := event.Meta{Index: event.DefaultIndex, Sourcetype: event.Detect(raw), Host: "aws"}
		err := event.Flatten(context.Background(), raw, &m, func(name string, c event.Cell) {
			if c.Many == nil && !strings.HasPrefix(name, "_") && len(c.Text) < 200 && rnd.IntN(20) == 0 {
				pairs = append(pairs, [2]string{name, c.Text})
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		where := randomSearch(rnd, pairs, 3)
		q := store.Query{Filter: where, Fields: filter.Fields("eventName", "eventID", "user"), Earliest: store.Beginning, Latest: store.End, Now: time.Unix(1_768_000_000, 0)}
		if diff := cmp.Diff(answer(t, mem, q), answer(t, st, q)); diff != "" {
			sc, _ := st.Prepare(&q)
			t.Fatalf("%s (-memory +vlogs), %q:\n%.3000s", filter.Print(where), sc.Explain(), diff)
		}
	}
}

func randomSearch(rnd *rand.Rand, pairs [][2]string, depth int) filter.Expr {
	if depth > 0 && rnd.IntN(2) == 0 {
		var args []filter.Expr
		for range 1 + rnd.IntN(3) {
			args = append(args, randomSearch(rnd, pairs, depth-1))
		}
		switch rnd.IntN(3) {
		case 0:
			return &filter.And{Args: args}
		case 1:
			return &filter.Or{Args: args}
		}
		return &filter.Not{Arg: args[0]}
	}
	p := pairs[rnd.IntN(len(pairs))]
	value := p[1]
	switch rnd.IntN(5) {
	case 0:
		value = strings.ToUpper(value)
	case 1:
		value = strings.ToLower(value)
	case 2:
		if len(value) > 2 {
			at := 1 + rnd.IntN(len(value)-1)
			value = value[:at] + "*" + value[at+rnd.IntN(len(value)-at):]
		}
	case 3:
		if words := strings.FieldsFunc(value, notWord); len(words) > 0 && rnd.IntN(2) == 0 {
			return &filter.Term{Text: words[rnd.IntN(len(words))]}
		}
	}
	op := "="
	if rnd.IntN(4) == 0 {
		op = "!="
	}
	return &filter.Compare{Field: p[0], Op: op, Value: value}
}
