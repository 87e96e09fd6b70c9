package event

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// decoded reads everything: the records, the errors about single ones, and the
// final error.
func decoded(r io.Reader, lim Limits) (raws, bad []string, final error) {
	d := NewDecoder(r, lim)
	for {
		rec, err := d.Next()
		var one *RecordError
		switch {
		case errors.As(err, &one):
			bad = append(bad, err.Error())
		case err == io.EOF:
			return raws, bad, nil
		case err != nil:
			return raws, bad, err
		default:
			s := string(rec.Raw)
			switch rec.Kind {
			case Digest:
				s = "digest " + s
			case Control:
				s = "control " + s
			}
			if rec.Time != 0 {
				s = fmt.Sprintf("%s@%d", s, rec.Time/1e9)
			}
			raws = append(raws, s)
		}
	}
}

func TestDecoder(t *testing.T) {
	const wayOut = `; records are {"Records":[…]} or one object per line`
	const a, b = `{"eventVersion":"1.08","x":1}`, `{"eventVersion":"1.09","y":[{"z":"}{"}]}`
	for name, tc := range map[string]struct {
		in   string
		want []string
		bad  []string
		end  string
	}{
		"records":          {in: `{"Records":[` + a + `,` + b + `]}`, want: []string{a, b}},
		"no records":       {in: `{"Records":[]}`},
		"spread out":       {in: "\ufeff{ \"Version\": 1,\n \"Records\" : [\n " + a + " ,\r\n " + b + "\n], \"more\": {\"k\":[1]} }\n", want: []string{a, b}},
		"two documents":    {in: `{"Records":[` + a + `]}{"Records":[` + b + `]}`, want: []string{a, b}},
		"lines":            {in: a + "\r\n\r\n" + b + "\n", want: []string{a, b}},
		"one after other":  {in: a + b, want: []string{a, b}},
		"array":            {in: "[" + a + "," + b + "]", want: []string{a, b}},
		"empty":            {in: " \n"},
		"lookup":           {in: `{"Events":[{"EventId":"1","CloudTrailEvent":"{\"eventVersion\":\"1.08\",\"x\":1}"}],"NextToken":"n"}`, want: []string{a}},
		"one lookup":       {in: `{"EventId":"1","CloudTrailEvent":"{\"eventVersion\":\"1.08\",\"x\":1}"}`, want: []string{a}},
		"eventbridge":      {in: `{"version":"0","detail-type":"AWS API Call via CloudTrail","time":"2023-11-14T22:13:20Z","detail":` + a + `}`, want: []string{a + "@1700000000"}},
		"cloudwatch":       {in: `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"eventVersion\":\"1.08\",\"x\":1}"}]}`, want: []string{a}},
		"digest":           {in: `{"awsAccountId":"1","digestStartTime":"t","digestS3Bucket":"b","logFiles":[{"s3Object":"o"}]}`, want: []string{`digest {"awsAccountId":"1","digestStartTime":"t","digestS3Bucket":"b","logFiles":[{"s3Object":"o"}]}`}},
		"other JSON":       {in: `{"Records":["a","b"],"k":1}`, want: []string{`{"Records":["a","b"],"k":1}`}},
		"bad line":         {in: a + "\nnot json\n" + b, want: []string{a, b}, bad: []string{`line 2, byte 30: found "not json" where a JSON object must start` + wayOut}},
		"broken line":      {in: a + "\n{\"x\":tru}\n" + b, want: []string{a, b}, bad: []string{"line 2, byte 30: found 't', expected true at byte 35"}},
		"unfinished line":  {in: "{\"x\":{\n" + a + "\n", want: []string{a}, bad: []string{"line 1, byte 0: found '{', expected a key in quotes at byte 7"}},
		"broken in array":  {in: `{"Records":[` + a + `,{"eventVersion":"1","q":nope},` + b + `]}`, want: []string{a, b}, bad: []string{"line 1, byte 42: found 'n', expected null at byte 66"}},
		"truncated":        {in: `{"Records":[` + a + `,` + b[:20], want: []string{a}, end: "truncated"},
		"truncated behind": {in: `{"Records":[` + a, want: []string{a}, end: "truncated"},
		"garbage":          {in: "\x00\x01\x02", end: "this is not text"},
		"control char":     {in: "{\"x\":\"a\x01\"}\n" + a, want: []string{a}, bad: []string{`line 1, byte 0: found '\x01', expected no control character in a string at byte 7`}},
		"wrong escape":     {in: `{"x":"\q"}` + "\n" + a, want: []string{a}, bad: []string{`line 1, byte 0: found 'q', expected an escape at byte 7`}},
		"strays in array":  {in: `[1,` + a + `,["x"],` + b + `]`, want: []string{a, b}, bad: []string{`line 1, byte 1: 2 elements from here on are not JSON objects; the first is "1"`}},
		"own Events":       {in: `{"name":"n","Events":[{"a":1}],"logEvents":[]}`, want: []string{`{"name":"n","Events":[{"a":1}],"logEvents":[]}`}},
		"digest behind":    {in: a + `{"logFiles":[],"digestS3Bucket":"b","digestStartTime":"t"}`, want: []string{a, `digest {"logFiles":[],"digestS3Bucket":"b","digestStartTime":"t"}`}},
		"two lookups":      {in: `{"Events":[{"CloudTrailEvent":"{\"eventVersion\":\"1.08\",\"x\":1}"},{"CloudTrailEvent":"{\"x\":"},{"CloudTrailEvent":"{\"y\":2}"}]}`, want: []string{a, `{"y":2}`}, bad: []string{"line 1, byte 69: cannot read the wrapped record: it ends too early"}},
		"broken behind":    {in: `{"Records":[` + a + `],x}`, want: []string{a}, bad: []string{`line 1, byte 43: after the array "Records": found 'x', expected a key in quotes at byte 43`}},
		"garbage wrapped":  {in: `{"CloudTrailEvent":"nope"}` + "\n" + a, want: []string{`{"CloudTrailEvent":"nope"}`, a}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tc.in), iotest.OneByteReader(strings.NewReader(tc.in))} {
				raws, bad, err := decoded(r, Limits{})
				if diff := cmp.Diff(tc.want, raws); diff != "" {
					t.Errorf("records: %s", diff)
				}
				if diff := cmp.Diff(tc.bad, bad); diff != "" {
					t.Errorf("faults: %s", diff)
				}
				if tc.end == "" && err != nil || tc.end != "" && (err == nil || !strings.Contains(err.Error(), tc.end)) {
					t.Errorf("ended with %v", err)
				}
			}
		})
	}
}

// TestDecoderChunks reads more than a buffer holds, and keeps records until the
// buffer is overwritten.
func TestDecoderChunks(t *testing.T) {
	var in bytes.Buffer
	in.WriteString(`{"Records":[`)
	const n = 30000
	for i := range n {
		if i > 0 {
			in.WriteByte(',')
		}
		fmt.Fprintf(&in, `{"eventVersion":"1.08","n":%d,"pad":%q}`, i, strings.Repeat("x", i%300))
	}
	in.WriteString(`]}`)
	d := NewDecoder(&in, Limits{})
	var kept [][]byte
	checked := 0
	check := func() {
		for _, raw := range kept {
			if want := fmt.Sprintf(`{"eventVersion":"1.08","n":%d,`, checked); !bytes.HasPrefix(raw, []byte(want)) {
				t.Fatalf("record %d is %.60s", checked, raw)
			}
			checked++
		}
		kept = kept[:0]
	}
	d.BeforeReuse = check
	for i := 0; ; i++ {
		rec, err := d.Next()
		if err == io.EOF {
			if i != n {
				t.Fatalf("%d records", i)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, rec.Raw)
	}
	if check(); checked != n {
		t.Errorf("%d records were there until the buffer was written over, want %d", checked, n)
	}
}

// TestDecoderWrapperOverChunk: a wrapper is recognised wherever in the buffer
// it starts.
func TestDecoderWrapperOverChunk(t *testing.T) {
	const rec = `{"eventVersion":"1.08"}`
	for cut := 0; cut < 60; cut += 3 {
		pad := chunk - 45 - cut - len(rec)
		in := `{"p":"` + strings.Repeat("x", pad) + `"}{"a":{"b":"c"}, "Records": [` + rec + `,` + rec + `]}`
		raws, bad, err := decoded(strings.NewReader(in), Limits{})
		if len(raws) != 3 || len(bad) > 0 || err != nil || raws[2] != rec {
			t.Fatalf("cut %d: %d records, faults %q, end %v", cut, len(raws), bad, err)
		}
	}
}

// TestDecoderFields: leaves read while decoding equal those that Extract reads,
// wherever chunks end and scans restart.
func TestDecoderFields(t *testing.T) {
	var in bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&in, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"u%d"},"eventName":"N%d","resources":[{"ARN":"a%d"},{"ARN":"b"}],"pad":%q}`+"\n", i%7, i, i, strings.Repeat("x", i%90))
	}
	in.WriteString(`{"CloudTrailEvent":"{\"eventVersion\":\"1.08\",\"eventName\":\"Wrapped\"}"}` + "\n" + `{"eventVersion":"1.08","eventName":no}` + "\n" + `{"eventVersion":"1.08","eventName":"Last"}`)
	x := NewExtractor([]string{"eventName", "user", "resources{}.ARN"})
	row, other := x.NewRow(), x.NewRow()
	m := Meta{Sourcetype: CloudTrail}
	for _, r := range []io.Reader{bytes.NewReader(in.Bytes()), iotest.OneByteReader(bytes.NewReader(in.Bytes()[:1<<16]))} {
		d := NewDecoder(r, Limits{})
		d.Fields(x, row)
		walked, last := 0, ""
		for {
			rec, err := d.Next()
			if errors.As(err, new(*RecordError)) {
				continue
			}
			if err != nil {
				break
			}
			if err := x.Extract(rec.Raw, &m, other); err != nil {
				t.Fatal(err)
			}
			if last = other.Cell(0).Text; !rec.Walked {
				continue
			}
			walked++
			x.Finish(rec.Raw, &m, row)
			for i := range 3 {
				if diff := cmp.Diff(*other.Cell(i), *row.Cell(i)); diff != "" {
					t.Fatalf("%s: %s", rec.Raw, diff)
				}
			}
		}
		if walked < 200 || walked > 20000 && (walked != 20001 || last != "Last") {
			t.Errorf("%d were read on the way, the last is %s", walked, last)
		}
	}
}

func TestDecoderMaxRecord(t *testing.T) {
	raws, bad, err := decoded(strings.NewReader(`{"x":"0123456789"}`+"\n"+`{"y":1}`), Limits{MaxRecord: 10})
	if err != nil || len(raws) != 1 || raws[0] != `{"y":1}` || len(bad) != 1 || !strings.Contains(bad[0], "longer than 10 bytes") {
		t.Errorf("%q, %q, %v", raws, bad, err)
	}
}

// endless is an input of the given length that is never in memory as a whole.
type endless struct {
	head, tail string
	fill       byte
	left       int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.left > 0 {
		n := min(len(p), e.left)
		p[0] = e.fill
		for i := 1; i < n; i *= 2 {
			copy(p[i:n], p[:i])
		}
		e.left -= n
		return n, nil
	}
	if e.tail == "" {
		return 0, io.EOF
	}
	n := copy(p, e.tail)
	e.tail = e.tail[n:]
	return n, nil
}

func TestDecoderBoundsMemory(t *testing.T) {
	good := `{"eventVersion":"1.08"}`
	for name, in := range map[string]*endless{
		"one line of 128 MB":   {head: `{"x":"`, fill: 'a', left: 128 << 20, tail: "\"}\n" + good},
		"escapes, in an array": {head: `{"Records":[ {"x":"`, fill: '\\', left: 16 << 20, tail: `"},` + good + `]}`},
		"deep":                 {head: `{"x":`, fill: '[', left: 1 << 20, tail: strings.Repeat("]", 1<<20) + "}\n" + good},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			raws, bad, err := decoded(in, Limits{MaxRecord: 4 << 20})
			runtime.ReadMemStats(&after)
			if err != nil || len(raws) != 1 || raws[0] != good || len(bad) != 1 {
				t.Errorf("records %d, faults %q, end %v", len(raws), bad, err)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
				t.Errorf("%d MiB were allocated", grown>>20)
			}
		})
	}
}

func TestDecoderReadError(t *testing.T) {
	r := io.MultiReader(strings.NewReader(`{"Records":[{"eventVersion":"1"},`), iotest.ErrReader(errors.New("disk on fire")))
	raws, _, err := decoded(r, Limits{})
	if len(raws) != 1 || err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("%q, %v", raws, err)
	}
}

// FuzzDecoder checks that the decoder terminates on any input, that it returns
// no more than the input can hold, and that chunk sizes change nothing.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{
		`{"Records":[{"eventVersion":"1.08"},{"a":"b"}]}`,
		"{\"a\":1}\n\n{\"CloudTrailEvent\":\"{}\"}",
		`[{"detail-type":"x","detail":{"a":1}}]`,
		`{"Records":[{"a":1}],"x":2,"Records":["{\"b\":2}",3]}`,
		`{"hits":{"total":1,"hits":[{"_source":{"event":{"original":"{\"eventVersion\":\"1.08\",\"eventName\":\"A\"}"}}}]}}`,
		`{"QueryResultRows":[[{"eventName":"A"},{"userIdentity":"{type=IAMUser, list=[a, {b=c}]}"}]]}`,
		`{"results":[[{"field":"@message","value":"{}"}]]}`,
		`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"[[{}]]","timestamp":1}]}`,
		`{"awslogs":{"data":"` + packedBase64(`{"logEvents":[{"message":"{\"eventVersion\":\"1.08\",\"eventName\":\"A\"}"}]}`) + `"}}`,
		"eventName,eventTime\nA,2026-01-01T10:00:00Z\n\"B,x\n",
		"2026-01-01T10:00:00Z {\"a\":1}\nEVENTS\tx\t{\"eventVersion\":\"1\"}\ty\nRESOURCES\t\n",
		"\ufeff{\"a\":1}\ufeff\ufeff[\"x\",[[1]]]",
		"<?xml version=\"1.0\"?>\n<a/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		lim := Limits{MaxRecord: 1 << 16, MaxUnpacked: 1 << 20}
		raws, bad, err := decoded(bytes.NewReader(in), lim)
		slow, slowBad, slowErr := decoded(iotest.OneByteReader(bytes.NewReader(in)), lim)
		if diff := cmp.Diff(raws, slow); diff != "" {
			t.Fatalf("%q: byte by byte differs: %s", in, diff)
		}
		if len(bad) != len(slowBad) || (err == nil) != (slowErr == nil) {
			t.Fatalf("%q: faults %q / %q, ends %v / %v", in, bad, slowBad, err, slowErr)
		}
		size := 0
		for _, raw := range raws {
			size += len(raw)
		}
		if most := 64*len(in) + 1<<21; size > most {
			t.Fatalf("%d bytes of records out of %d bytes", size, len(in))
		}
	})
}

func packedBase64(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
