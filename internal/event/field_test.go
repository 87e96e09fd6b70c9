package event

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestFieldsAreDescribed: every field has a description in sentences.
func TestFieldsAreDescribed(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Fields() {
		if names[f.Name] || f.Type == "" || !strings.HasSuffix(f.Doc, ".") || strings.Contains(f.Doc, "\n") {
			t.Errorf("%s: twice, or without type or sentence: %q", f.Name, f.Doc)
		}
		names[f.Name] = true
		if Lookup(f.Name) != f || (Addon(f.Name) == f) == IsDefault(f.Name) {
			t.Errorf("%s: the look-ups do not agree", f.Name)
		}
	}
}

// TestEveryFieldHasAnExample: some record of shapes yields each field that follows from
// a record.
func TestEveryFieldHasAnExample(t *testing.T) {
	var names []string
	for _, f := range Fields() {
		if !Resolved(f.Name) {
			names = append(names, f.Name)
		}
	}
	x := NewExtractor(names)
	row := x.NewRow()
	seen := make([]bool, len(names))
	for shape, record := range shapes {
		m := &Meta{Sourcetype: Detect([]byte(record)), Source: "s", Host: "h", Index: "aws", IndexTime: 1}
		if err := x.Extract([]byte(record), m, row); err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		for i := range names {
			seen[i] = seen[i] || row.Cell(i).Set
		}
	}
	for i, name := range names {
		if !seen[i] {
			t.Errorf("no record of shapes has %s", name)
		}
	}
}

// TestFieldsReadTheirInputs: a field depends on each leaf in its From and on
// nothing else. For each input there are values of the others with which it
// makes a difference.
func TestFieldsReadTheirInputs(t *testing.T) {
	pool := map[string][]Cell{}
	for _, record := range shapes {
		for name, c := range flat(t, []byte(record), &Meta{Sourcetype: JSON}) {
			pool[name] = append(pool[name], c)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, f := range Fields() {
		if f.Derive == nil {
			continue
		}
		if slices.Contains(f.From, "") || len(slices.Compact(slices.Sorted(slices.Values(f.From)))) != len(f.From) {
			t.Errorf("%s is made of %q", f.Name, f.From)
		}
		cells := make([]Cell, len(f.From))
		in := make(Inputs, len(cells))
		for i := range cells {
			in[i] = &cells[i]
		}
		for i, leaf := range f.From {
			if !matters(r, f, in, i, pool) {
				t.Errorf("%s: %s makes no difference", f.Name, leaf)
			}
		}
	}
}

// matters looks for values of the other inputs with which input i makes a
// difference.
func matters(r *rand.Rand, f *Field, in Inputs, i int, pool map[string][]Cell) bool {
	for trial := range 100_000 {
		for j, leaf := range f.From {
			*in[j] = Cell{}
			sparse := 1 + trial%4*4
			if trial%5 == 4 {
				sparse = 8 * len(f.From) // the last of many alternatives counts only without the others
			}
			if j == i || leaf == "eventName" || r.IntN(sparse) == 0 {
				*in[j] = draw(r, pool[leaf])
			}
		}
		before := f.Derive(in)
		*in[i] = Cell{}
		if r.IntN(2) == 0 {
			*in[i] = draw(r, pool[f.From[i]])
		}
		if after := f.Derive(in); !slices.Equal(before.values(), after.values()) {
			return true
		}
	}
	return false
}

func draw(r *rand.Rand, from []Cell) Cell {
	if len(from) == 0 || r.IntN(8) == 0 {
		return one("x")
	}
	return from[r.IntN(len(from))]
}

// TestFieldsNeedOnlyTheirInputs: a record reduced to a field's inputs yields
// the same value.
func TestFieldsNeedOnlyTheirInputs(t *testing.T) {
	for shape, record := range shapes {
		m := &Meta{Sourcetype: Detect([]byte(record))}
		all := flat(t, []byte(record), m)
		for _, f := range Fields() {
			if f.value != nil || f.member != "" {
				continue
			}
			x := NewExtractor([]string{f.Name})
			whole, bare := x.NewRow(), x.NewRow()
			if err := x.Extract([]byte(record), m, whole); err != nil {
				t.Fatal(err)
			}
			leaves := NewExtractor(f.From)
			from := leaves.NewRow()
			if err := leaves.Extract([]byte(record), &Meta{Sourcetype: JSON}, from); err != nil {
				t.Fatal(err)
			}
			for i, leaf := range x.Leaves() {
				if at := slices.Index(f.From, leaf); at >= 0 {
					bare.SetLeaf(i, *from.Cell(at))
				} else if f.OnRequest && leaf == f.Name && strings.Contains(record, `"`+leaf+`":"own"`) {
					bare.SetLeaf(i, one("own"))
				}
			}
			x.Compute(m, bare)
			if got, want := bare.Cell(0).values(), whole.Cell(0).values(); !slices.Equal(got, want) {
				t.Errorf("%s of %s is %q from its inputs alone, %q from the record", f.Name, shape, got, want)
			}
			if !f.OnRequest {
				if c := all[f.Name]; !slices.Equal(c.values(), whole.Cell(0).values()) {
					t.Errorf("%s of %s: %q and %q", f.Name, shape, c.values(), whole.Cell(0).values())
				}
			}
		}
	}
}

// TestRegisterRefuses: an incomplete, duplicate or late registration ends the
// program at its start.
func TestRegisterRefuses(t *testing.T) {
	flat(t, []byte(`{}`), &Meta{}) // registration is closed from now on
	whole := Field{Name: "new_field", Group: "Network", Type: Text, From: []string{"sourceIPAddress"}, Doc: "x."}
	bare, taken := whole, whole
	bare.From, taken.Name = nil, "user"
	for want, f := range map[string]Field{"after the first event": whole, "lacks something": bare, "registered twice": taken} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, want) {
					t.Errorf("registering %q: %q, want %q", f.Name, got, want)
				}
			}()
			Register(f)
		}()
	}
}
