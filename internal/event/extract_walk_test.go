package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/jsonscan"

	"github.com/google/go-cmp/cmp"
)

// walkFields are the fields extracted in walk tests: nested, in arrays, and
// under keys with dots and with escapes.
var walkFields = []string{"eventName", "a", "a.b", "a.b.c", "l{}", "l{}.a", "l{}{}", "ä", "", "userIdentity.type", "requestParameters.x{}.y", "user"}

// FuzzWalk compares the walk of a row that remembers other records with that of
// a new row, and the accepted JSON with encoding/json.
func FuzzWalk(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"eventVersion":"1.08","eventName":"A","a":{"b":{"c":1}},"z":{"k":[1,2]}}`, `{"eventVersion":"1.08","x":1,"eventName":"B\u0041","a":{"b":"\\"},"z":{"k":[1,2]}}`},
		{`{"a":"x","l":[{"a":1},[2,"3"],4]}`, `{"a" : "x" , "l" : [ {"a":1,"a":2} , [ ] ] }`},
		{`{"a.b":"x","a":{"b":"y"},"\u00e4":1,"":null}`, "{\"a\":\"\xff\",\"a\":true}"},
		{`{"z":{"a":1}}`, `{"z":{"a":1}`},
		{`{"z":{"a":1},"y":[[[]]]}`, `{"z":{"a":1}"y":1}`},
		{`{"userIdentity":{"type":"IAMUser","sessionContext":{"a":[{}]}},"eventName":"A"}`, `{"userIdentity":{"sessionContext":{"a":[{}]},"type":"Root"}}`},
		{`{"b":1,"a":2}`, `{"a":1,"b":2,"a":"x}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	x := NewIdentifier(walkFields)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		used := x.NewRow()
		m := &Meta{Sourcetype: CloudTrail}
		for n, raw := range [][]byte{one, two, one, two} {
			fresh := x.NewRow()
			err, freshErr := x.Extract(raw, m, used), x.Extract(raw, m, fresh)
			if fmt.Sprint(err) != fmt.Sprint(freshErr) {
				t.Fatalf("%q, %q, walk %d: %v and %v", one, two, n, err, freshErr)
			}
			if object := strings.HasPrefix(strings.TrimLeft(string(raw), " \t\r\n"), "{"); !errors.Is(err, jsonscan.ErrDepth) && object && json.Valid(raw) != (err == nil) {
				t.Fatalf("%q: %v", raw, err)
			}
			if err != nil {
				continue
			}
			if !slices.EqualFunc(used.outs, fresh.outs, func(a, b Cell) bool { return cmp.Equal(a, b) }) {
				t.Fatalf("%q, %q, walk %d: %v and %v", one, two, n, used.outs, fresh.outs)
			}
			if a, b := x.Identity(raw, used), Identify(raw); a != b {
				t.Fatalf("%q, %q, walk %d: %v and %v", one, two, n, a, b)
			}
		}
	})
}

// TestWalkDepth: a skipped value is validated again when less depth is left.
func TestWalkDepth(t *testing.T) {
	x := NewExtractor([]string{"a.b.c"})
	row := x.NewRow()
	inner := `{"z":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`
	flat, nested := `{"a.b":`+inner+`}`, `{"a":{"b":`+inner+`}}`
	for range 2 {
		for _, tc := range []struct {
			raw   string
			depth int
			ok    bool
		}{{flat, 102, true}, {flat, 101, false}, {nested, 103, true}, {nested, 102, false}} {
			if _, err := row.object([]byte(tc.raw), 0, x.root, tc.depth); (err == nil) != tc.ok {
				t.Errorf("%.20s with depth %d: %v", tc.raw, tc.depth, err)
			}
		}
	}
}

// TestWalkRemembersLittle: records with ever new names do not grow a row.
func TestWalkRemembersLittle(t *testing.T) {
	x := NewExtractor([]string{"a.b"})
	row := x.NewRow()
	for i := range 1000 {
		raw := fmt.Sprintf(`{"k%d":{"x":[%d]},"a":{"n%d":1,"b":%d}}`, i, i, i, i)
		if err := x.Extract([]byte(raw), &Meta{}, row); err != nil || row.Cell(0).Text != fmt.Sprint(i) {
			t.Fatal(raw, err, row.Cell(0))
		}
	}
	for _, w := range row.ways {
		if len(w.steps) > maxSteps {
			t.Errorf("%d keys are remembered", len(w.steps))
		}
	}
}
