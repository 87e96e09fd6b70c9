package generate

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base32"
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// realRecords reads published recordings, if the folder with them is there.
func realRecords(t *testing.T, name string) []map[string]any {
	t.Helper()
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("no real records to compare with (BLUETRAIL_TESTDATA): %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var records []map[string]any
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r map[string]any
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

// shape adds the record's paths to those of its kind, apart from userIdentity,
// which differs by caller, and from encryption contexts, which are free.
func shape(kinds map[string]map[string]bool, r map[string]any) {
	kind, _ := r["eventName"].(string)
	kind += " " + strings.TrimSuffix(r["eventSource"].(string), ".amazonaws.com")
	if kinds[kind] == nil {
		kinds[kind] = map[string]bool{}
	}
	f := fields{}
	for key, v := range r {
		if key != "userIdentity" && v != nil {
			flatten(f, key, v)
		}
	}
	for path, values := range f {
		if !strings.Contains(path, "encryptionContext") {
			kinds[kind][path] = true
			if slices.Contains(values, "") {
				kinds[kind][path+empty] = true
			}
		}
	}
	markEmpty(kinds[kind], "", r)
}

// empty marks the path of a list, an object or a text that a recording has with nothing in it.
const empty = " (empty)"

func markEmpty(paths map[string]bool, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			markEmpty(paths, strings.TrimPrefix(path+"."+k, "."), e)
		}
		if len(v) == 0 {
			paths[path+empty] = true
		}
	case []any:
		if len(v) == 0 {
			paths[path+empty] = true
		}
	}
}

// beneathEmpty says whether the real record has the path's container, and left it empty.
func beneathEmpty(paths map[string]bool, path string) bool {
	for i := range len(path) {
		if (path[i] == '.' || path[i] == '{') && paths[path[:i]+empty] {
			return true
		}
	}
	return strings.HasSuffix(path, empty)
}

// Fields that recordings of 2021 do not have: they came with later versions.
var newerFields = []string{"tlsDetails.tlsVersion", "tlsDetails.cipherSuite", "tlsDetails.clientProvidedHostHeader", "tlsDetails.keyExchange", "addendum.reason", "vpcEndpointId", "vpcEndpointAccountId",
	"sessionCredentialFromConsole", "sharedEventID", "errorCode", "errorMessage"}

// TestShapesAreThoseOfRealRecords asks of the kinds of event that a recording
// also has that ours have no field that the real ones lack.
func TestShapesAreThoseOfRealRecords(t *testing.T) {
	t.Parallel()
	real, ours := map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, r := range realRecords(t, "benign-840.ndjson.gz") {
		shape(real, r)
	}
	cfg := small()
	cfg.Events = scaled(20_000)
	err := Stream(context.Background(), cfg, func(raw []byte, _ time.Time) error {
		var r map[string]any
		if err := json.Unmarshal(raw, &r); err != nil {
			return err
		}
		if r["eventSource"] != nil {
			shape(ours, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for kind, paths := range ours {
		if real[kind] == nil {
			continue
		}
		compared++
		for _, path := range slices.Sorted(maps.Keys(paths)) {
			if !real[kind][path] && !beneathEmpty(real[kind], path) && !slices.Contains(newerFields, path) {
				t.Errorf("%s has %s, which real ones have not", kind, path)
			}
		}
	}
	if compared < 15 {
		t.Errorf("only %d kinds compared", compared)
	}
}

func TestEveryKindIsJSON(t *testing.T) {
	t.Parallel()
	trail, err := newTrail(context.Background(), small())
	if err != nil {
		t.Fatal(err)
	}
	l := trail.org.account("prod").lane("us-east-1")
	known := vars{"port": "22", "count": "1", "number": "1", "days": "7"}
	for _, kinds := range []map[string]*kind{catalogue(), stagedKinds()} {
		for name, k := range kinds {
			c := call{lane: l, actor: trail.org.user(l.account, "someone"), kind: k, time: trail.first, seed: hashText(name), source: "192.0.2.1", agent: "test", vars: known}
			failures := []*fault{nil, deniedAny, deniedEC2, deniedS3, throttled, tooMany}
			for i := range k.faults {
				failures = append(failures, &k.faults[i])
			}
			for _, failure := range failures {
				if raw := c.record(nil, failure); !json.Valid(raw) {
					t.Errorf("%s: %s", name, raw)
				}
			}
		}
	}
}

func TestTemplateRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"${nothing}", "${uuid", "a ${} b"} {
		if _, err := parseTemplate(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestPrimitives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.Uint64().Draw(t, "h")
		n := rapid.IntRange(1, 1<<20).Draw(t, "n")
		if v := skewed(h, n); v < 0 || v >= n {
			t.Fatalf("skewed: %d of %d", v, n)
		}
		unix := rapid.Int64Range(0, 1<<37).Draw(t, "time")
		if got, want := string(appendTime(nil, unix)), time.Unix(unix, 0).UTC().Format(timeFormat); got != want {
			t.Fatalf("time %s, want %s", got, want)
		}
		if got, want := weekday(unix), int64(time.Unix(unix, 0).UTC().Weekday()+6)%7; got != want {
			t.Fatalf("weekday %d, want %d", got, want)
		}
		account := rapid.Uint64Range(100_000_000_000, 999_999_999_999).Draw(t, "account")
		id := identifier("ASIA", account, h, 20)
		packed, err := base32.StdEncoding.DecodeString(id[4:12])
		if err != nil || len(id) != 20 {
			t.Fatalf("%s: %v", id, err)
		}
		// Eight letters are the highest 40 of the 48 bits, a mark and all but one of the account's.
		var v uint64
		for _, b := range packed {
			v = v<<8 | uint64(b)
		}
		if v&(1<<39-1) != account>>1 {
			t.Fatalf("%s does not hold account %d", id, account)
		}
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{86, byte(h), 0, 0}), rapid.IntRange(8, 30).Draw(t, "bits"))
		if a := addressIn(prefix, h); !prefix.Contains(a) || a == prefix.Masked().Addr() {
			t.Fatalf("%v is not in %v", a, prefix)
		}
	})
}
