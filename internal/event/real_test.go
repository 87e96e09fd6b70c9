package event

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// realRecords reads the records of a file of real trails.
func realRecords(t testing.TB, name string) [][]byte {
	t.Helper()
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("the folder of real records is absent (set BLUETRAIL_TESTDATA): %v", err)
	}
	if strings.HasSuffix(name, ".gz") {
		zr, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(zr); err != nil {
			t.Fatal(err)
		}
	}
	d := NewDecoder(bytes.NewReader(data), Limits{})
	var list [][]byte
	for {
		rec, err := d.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list = append(list, bytes.Clone(rec.Raw))
	}
}

var realFiles = map[string]int{"benign-840.ndjson.gz": 840, "students-142.ndjson.gz": 142, "examples-48.ndjson.gz": 48, "api-calls-315.ndjson.gz": 315, "weird.ndjson": 17, "stratus/aws.persistence.iam-create-admin-user.json": 3}

func flat(t testing.TB, raw []byte, m *Meta) map[string]Cell {
	t.Helper()
	got := map[string]Cell{}
	if err := Flatten(context.Background(), raw, m, func(name string, c Cell) {
		if _, twice := got[name]; twice {
			t.Errorf("%s comes twice", name)
		}
		got[name] = c
	}); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return got
}

// TestExtractIsFlatten: an Extractor extracts the same values as Flatten, for
// every field of every real record.
func TestExtractIsFlatten(t *testing.T) {
	for name, n := range realFiles {
		t.Run(filepath.Base(name), func(t *testing.T) {
			records := realRecords(t, name)
			if len(records) != n {
				t.Fatalf("%d records, want %d", len(records), n)
			}
			made := map[string]*Extractor{}
			for _, raw := range records {
				m := &Meta{Index: "aws", Sourcetype: Detect(raw), Source: "s", Host: "h", Fallback: 1e9, IndexTime: 2}
				want := flat(t, raw, m)
				names := []string{"nosuch", "userIdentity", "user.no"}
				for f := range want {
					names = append(names, f)
				}
				slices.Sort(names)
				key := strings.Join(names, " ")
				if made[key] == nil {
					made[key] = NewExtractor(names)
				}
				x := made[key]
				row := x.NewRow()
				if err := x.Extract(raw, m, row); err != nil {
					t.Fatal(err)
				}
				for i, f := range names {
					if diff := cmp.Diff(want[f], *row.Cell(i)); diff != "" {
						t.Fatalf("%s of %.300s: %s", f, raw, diff)
					}
				}
			}
		})
	}
}

// TestStratus: every recording of an attack is CloudTrail with a time, an id
// and an actor or a service.
func TestStratus(t *testing.T) {
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	files, _ := filepath.Glob(filepath.Join(dir, "stratus", "*.json"))
	if len(files) == 0 {
		t.Skip("the folder of real records is absent (set BLUETRAIL_TESTDATA)")
	}
	for _, file := range files {
		records := realRecords(t, filepath.Join("stratus", filepath.Base(file)))
		if len(records) == 0 {
			t.Errorf("%s: no records", filepath.Base(file))
		}
		for _, raw := range records {
			_, timed := TimeOf(raw)
			_, known := ID(raw)
			identity := Identity{Sourcetype: Detect(raw)}
			identity.ID, identity.Given = ID(raw)
			identity.Time, identity.Timed = TimeOf(raw)
			got := Identify(raw)
			if got.Kind = 0; got != identity {
				t.Errorf("Identify gives %+v, the three together %+v", got, identity)
			}
			fields := flat(t, raw, &Meta{Sourcetype: Detect(raw)})
			if !timed || !known || !fields["errorCode"].Set || !fields["action"].Set || fields["userName"].Text == "" && fields["userIdentity.invokedBy"].Text == "" {
				t.Errorf("%s: time %v, id %v, fields %v of %.200s", filepath.Base(file), timed, known, len(fields), raw)
			}
		}
	}
}

func TestWeird(t *testing.T) {
	records := realRecords(t, "weird.ndjson")
	for _, tc := range []struct {
		line  int
		field string
		want  []string
	}{
		{1, "userIdentity.type", []string{"AWSAccount"}},
		{1, "aws_account_id", []string{}},
		{2, "serviceEventDetails.snapshotId", nil},
		{2, "eventType", []string{"AwsServiceEvent"}},
		{3, "requestParameters.findingCriteria.criterion.resource.resourceType.eq{}", nil},
		{10, "eventTime", []string{}},
		{11, "insightDetails.eventName", []string{"UpdateInstanceAssociationStatus"}},
		{11, "eventName", []string{}},
		{11, "sourcetype", []string{CloudTrail}},
		{17, "eventName", []string{"DescribeInstances"}},
	} {
		raw := records[tc.line-1]
		got := flat(t, raw, &Meta{Sourcetype: Detect(raw)})
		c, ok := got[tc.field]
		switch {
		case tc.want == nil:
			if !ok && tc.line != 3 {
				t.Errorf("line %d has no %s", tc.line, tc.field)
			}
		case tc.line == 1 && tc.field == "aws_account_id":
			if c.Text != got["recipientAccountId"].Text || c.Text == "" {
				t.Errorf("a caller from another account is counted for %q", c.Text)
			}
		case len(tc.want) == 0 && ok, len(tc.want) > 0 && !slices.Equal(c.values(), tc.want):
			t.Errorf("line %d: %s = %q, want %q", tc.line, tc.field, c.values(), tc.want)
		}
	}
	for i, raw := range records {
		if got := Detect(raw); got != CloudTrail {
			t.Errorf("line %d is taken as %s", i+1, got)
		}
		if _, ok := TimeOf(raw); ok == slices.Contains([]int{13, 15}, i+1) {
			t.Errorf("line %d: has a time: %v", i+1, ok)
		}
		if _, ok := ID(raw); ok == slices.Contains([]int{12, 13, 15}, i+1) {
			t.Errorf("line %d: has an id: %v", i+1, ok)
		}
	}
	// A key that holds a dot is the same field as nesting.
	found := false
	for f := range flat(t, records[2], &Meta{}) {
		found = found || strings.Contains(f, "resource.resourceType")
	}
	if !found {
		t.Error("line 3: the key with a dot in it is lost")
	}
}

func BenchmarkFlatten(b *testing.B) {
	records := realRecords(b, "benign-840.ndjson.gz")
	m := &Meta{Index: "aws", Sourcetype: CloudTrail}
	var bytes, n int64
	for b.Loop() {
		raw := records[n%int64(len(records))]
		n++
		bytes += int64(len(raw))
		if err := Flatten(context.Background(), raw, m, func(string, Cell) {}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(bytes / n)
	b.ReportAllocs()
}

func BenchmarkExtract(b *testing.B) {
	records := realRecords(b, "benign-840.ndjson.gz")
	m := &Meta{Index: "aws", Sourcetype: CloudTrail}
	x := NewExtractor([]string{"eventName", "responseElements.ConsoleLogin", "eventID"})
	row := x.NewRow()
	var bytes, n int64
	for b.Loop() {
		raw := records[n%int64(len(records))]
		n++
		bytes += int64(len(raw))
		if err := x.Extract(raw, m, row); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(bytes / n)
	b.ReportAllocs()
}

// trail returns a large log file made of real records.
func trail(b *testing.B) []byte {
	in := []byte(`{"Records":[`)
	for range 20 {
		for _, raw := range realRecords(b, "benign-840.ndjson.gz") {
			in = append(append(in, raw...), ',')
		}
	}
	return append(in[:len(in)-1], "]}"...)
}

func BenchmarkDecoder(b *testing.B) {
	in := trail(b)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		d := NewDecoder(bytes.NewReader(in), Limits{})
		for {
			if _, err := d.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkDecodeExtract measures a search over every record of uncompressed
// input.
func BenchmarkDecodeExtract(b *testing.B) {
	in := trail(b)
	m := &Meta{Index: "aws", Sourcetype: CloudTrail}
	x := NewExtractor([]string{"eventName", "responseElements.ConsoleLogin", "eventID"})
	row := x.NewRow()
	b.SetBytes(int64(len(in)))
	n := 0
	for b.Loop() {
		d := NewDecoder(bytes.NewReader(in), Limits{})
		for {
			rec, err := d.Next()
			if err == io.EOF {
				break
			}
			if err == nil {
				err = x.Extract(rec.Raw, m, row)
			}
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
}

// BenchmarkPrefilter rejects every record.
func BenchmarkPrefilter(b *testing.B) {
	records := realRecords(b, "benign-840.ndjson.gz")
	p := NewPrefilter([][]string{{"ConsoleLogin"}, {"MFAUsed"}})
	var bytes, n int64
	for b.Loop() {
		raw := records[n%int64(len(records))]
		n++
		bytes += int64(len(raw))
		if p.Match(raw) {
			b.Fatalf("%s", raw)
		}
	}
	b.SetBytes(bytes / n)
}

// BenchmarkGunzipFloor measures the minimum cost of every search of compressed
// files.
func BenchmarkGunzipFloor(b *testing.B) {
	in := trail(b)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(in)
	w.Close()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		zr, err := kgzip(bytes.NewReader(packed.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, zr); err != nil {
			b.Fatal(err)
		}
	}
}
