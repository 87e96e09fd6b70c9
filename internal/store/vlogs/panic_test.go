package vlogs

import (
	"strings"
	"testing"

	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// TestPanicOfSearch: a panic in a callback for rows, in an engine goroutine,
// ends only its own search.
func TestPanicOfSearch(t *testing.T) {
	dir := t.TempDir()
	oneEvent(t, dir)
	st := openStore(t, dir)
	defer st.Close()
	for _, fields := range []filter.FieldSet{filter.Fields("eventID"), filter.AllFields()} { // from columns, and from records
		q := store.Query{Filter: &filter.Everything{}, Fields: fields, Earliest: store.Beginning, Latest: store.End}
		sc, err := st.Prepare(&q)
		if err != nil {
			t.Fatal(err)
		}
		err = sc.Run(t.Context(), func(int, *vector.Batch) error { panic("broken") })
		if err == nil || !strings.Contains(err.Error(), "panic: broken") {
			t.Error(err)
		}
		if st.Searching() {
			t.Error("the search goes on")
		}
		if got := answer(t, st, q); len(got) != 1 {
			t.Errorf("%q", got)
		}
	}
}
