package vector

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keyBatch has rows whose values would collide if they were simply
// concatenated.
func keyBatch() *Batch {
	return &Batch{Len: 4, Cols: []*Column{
		NewColumn("a", []Value{String("x"), String("x1:y"), Strings([]string{"x", "y"}), {}}),
		NewColumn("b", []Value{String("y"), String(""), String("z"), String("z")}),
	}}
}

func TestFieldKeysTellRowsApart(t *testing.T) {
	k := NewFieldKeys("a", "b")
	k.Use(keyBatch())
	seen := map[string]int{}
	for i := range 3 {
		key, ok := k.Key(i)
		if !ok {
			t.Fatalf("row %d has no key", i)
		}
		if other, known := seen[string(key)]; known {
			t.Errorf("rows %d and %d have the same key %q", other, i, key)
		}
		seen[string(key)] = i
	}
	if key, ok := k.Key(3); ok {
		t.Errorf("a row that lacks a field has the key %q", key)
	}
	k = NewFieldKeys("b", "none")
	k.Use(keyBatch())
	if key, ok := k.Key(0); ok {
		t.Errorf("a row of a batch that lacks a column has the key %q", key)
	}
}

// The key encodes a value's text, whatever its type.
func TestFieldKeysCompareWhatIsShown(t *testing.T) {
	k := NewFieldKeys("n")
	k.Use(&Batch{Len: 2, Cols: []*Column{NewColumn("n", []Value{String("5"), Int(5)})}})
	text, _ := k.Key(0)
	first := string(text)
	if number, _ := k.Key(1); first != string(number) {
		t.Errorf("the text 5 has the key %q, the number 5 %q", first, number)
	}
}

func TestFieldKeysEach(t *testing.T) {
	b := &Batch{Len: 2, Cols: []*Column{
		NewColumn("a", []Value{Strings([]string{"1", "2"}), {}}),
		NewColumn("b", []Value{Strings([]string{"x", "y"}), String("x")}),
	}}
	k := NewFieldKeys("a", "b")
	k.Use(b)
	combinations := func(i, most int) (got []string) {
		k.Each(i, func(key []byte, vals []string) bool {
			got = append(got, fmt.Sprintf("%s %v", key, vals))
			return len(got) < most
		})
		return got
	}
	want := []string{"1:11:x [1 x]", "1:11:y [1 y]", "1:21:x [2 x]", "1:21:y [2 y]"}
	if diff := cmp.Diff(want, combinations(0, 99)); diff != "" {
		t.Errorf("combinations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:3], combinations(0, 3)); diff != "" {
		t.Errorf("the first three (-want +got):\n%s", diff)
	}
	if got := combinations(1, 99); got != nil {
		t.Errorf("a row that lacks a field gives %q", got)
	}
}
