package job

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"bluetrail/internal/search"
	"bluetrail/internal/vector"
)

// Field is what is known of a field over some events.
type Field struct {
	Name     string
	Count    int // events that have it
	Distinct int
	Exact    bool // Distinct is
	Values   []ValueCount
	Numbers  int // values that are numbers
	Min, Max float64
}

// ValueCount is a value and how many events have it.
type ValueCount struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Fields describes fields over some events.
type Fields struct {
	List    []Field
	Events  int  // how many were looked at
	Sampled bool // there are more
}

// everyEvent is a field that all events have.
const everyEvent = "index"

// sampleRows is how many of the newest events are looked at for an overview.
const sampleRows = 5000

// Fields describes the fields of the newest events, or one field over all of
// them, with so many of the most frequent values.
func (j *Job) Fields(ctx context.Context, field string, values int) (*Fields, error) {
	if j.Parts.Front == "" {
		return nil, ErrNoEvents
	}
	return answered(j, fmt.Sprintf("fields %d %s", values, field), func() (*Fields, error) {
		most := max(1, values)
		if field != "" {
			return j.fields(ctx, fmt.Sprintf("%s | fieldsummary maxvals=%d %s %s", j.Parts.Front, most, quote(field), everyEvent), field, 0)
		}
		return j.fields(ctx, fmt.Sprintf("%s | head %d | fieldsummary maxvals=%d", j.Parts.Front, sampleRows, most), "", sampleRows)
	})
}

func (j *Job) fields(ctx context.Context, text, only string, sample int) (*Fields, error) {
	f := &Fields{}
	err := j.Beside(ctx, text, "", "", func(s *search.Search) error { return f.Take(ctx, s) })
	if only != "" {
		f.List = slices.DeleteFunc(f.List, func(one Field) bool { return one.Name != only })
	}
	f.Sampled = sample > 0 && f.Events >= sample
	return f, err
}

// Take reads the rows of a search that ends with fieldsummary.
func (f *Fields) Take(ctx context.Context, s *search.Search) error {
	err := s.Each(ctx, func(b *vector.Batch) error {
		for i := range b.Len {
			text := func(name string) string { return b.At(name, i).Text() }
			num := func(name string) float64 { v, _ := b.At(name, i).Num(); return v }
			one := Field{Name: text("field"), Exact: text("is_exact") != "0", Count: int(num("count")), Distinct: int(num("distinct_count")), Numbers: int(num("numeric_count")), Min: num("min"), Max: num("max")}
			if v := text("values"); v != "" {
				if err := json.Unmarshal([]byte(v), &one.Values); err != nil {
					return fmt.Errorf("cannot read the values of field %q: %w", one.Name, err)
				}
			}
			if one.Name == everyEvent {
				f.Events = one.Count
			}
			f.List = append(f.List, one)
		}
		return nil
	})
	slices.SortStableFunc(f.List, func(a, b Field) int { return b.Count - a.Count })
	return err
}
