package incident

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// calls makes rows of a SummarySearch, in random order.
func calls(r *rand.Rand, n int) []*vector.Batch {
	var out []*vector.Batch
	for _, i := range r.Perm(n) {
		b := vector.NewBuilder(summaryFields[:]...)
		b.Add()
		for field, text := range map[int]string{
			fieldTime: fmt.Sprint(1.7e9 + float64(i/2)), fieldType: []string{"IAMUser", "Root"}[i%2], fieldARN: fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", i%50),
			fieldName: []string{"CreateUser", "GetObject"}[i%2], fieldSource: fmt.Sprintf("s%d.amazonaws.com", i%5), fieldOutcome: []string{"success", "denied", "error"}[i%3],
			fieldRegion: "us-east-1", fieldAddress: fmt.Sprintf("198.51.100.%d", i%200), fieldKey: fmt.Sprintf("AKIA%d", i%7), fieldTool: "aws-cli", fieldVersion: fmt.Sprint(i % 40),
		} {
			b.SetAt(field, vector.String(text))
		}
		out = append(out, b.Batch())
	}
	return out
}

// summarize adds rows to the parts of some workers, in turn.
func summarize(t *testing.T, s *Summary, rows []*vector.Batch, workers int) *Summary {
	t.Helper()
	parts := make([]*part, workers)
	for i := range parts {
		r, err := s.Gather()
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = r.(*part)
	}
	for i, b := range rows {
		if err := parts[i%workers].Add(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range parts[1:] {
		if err := parts[0].Merge(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := parts[0].Results(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// told is what is shown of a summary.
func told(s *Summary) (out []string) {
	for _, d := range s.Identities() {
		line := fmt.Sprint(d.Name, d.Type, d.First, d.Last, d.Calls, d.Denied, d.Errors)
		for _, c := range d.counts() {
			line += fmt.Sprint(c.Top(), c.Len(), c.More())
		}
		out = append(out, line)
	}
	return out
}

// TestSummaryOrder: the order of the events and the number of workers do not matter.
func TestSummaryOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	want := told(summarize(t, NewSummary(), calls(r, 3000), 1))
	if len(want) != 50 {
		t.Fatalf("%d identities", len(want))
	}
	for _, workers := range []int{1, 2, 7} {
		if d := cmp.Diff(want, told(summarize(t, NewSummary(), calls(r, 3000), workers))); d != "" {
			t.Errorf("%d workers: %s", workers, d)
		}
	}
}

// TestSummaryRoom: what does not fit is counted, and merging gives room back.
func TestSummaryRoom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, room := range []int64{0, 5000, 60_000} {
		s := NewSummary()
		s.room.left.Store(room)
		summarize(t, s, calls(r, 3000), 3)
		known, used := int64(0), int64(0)
		for _, d := range s.Identities() {
			known += d.Calls
			used += int64(d.cost())
			for _, c := range d.counts() {
				n := c.Unknown()
				for _, v := range c.list {
					n += v.N
					used += int64(v.cost())
				}
				if n > d.Calls || c == &d.Regions && n != d.Calls {
					t.Errorf("%d bytes: %d values of %d calls of %s", room, n, d.Calls, d.Name)
				}
			}
		}
		if s.Events != 3000 || known+s.Overflow.Events != s.Events || s.Overflow.Events == 0 {
			t.Errorf("%d bytes: %d calls known and %d not, of %d", room, known, s.Overflow.Events, s.Events)
		}
		if left := s.room.left.Load(); left < 0 || used+left != room {
			t.Errorf("%d bytes: %d used, %d left", room, used, left)
		}
	}
}

// TestCounts: values beyond the bound are counted, by the map as by the list.
func TestCounts(t *testing.T) {
	var c Counts
	for i := range 3 * maxValues {
		c.add(fmt.Sprint("v", i%(maxValues+10)))
	}
	if c.Len() != maxValues || c.Unknown() == 0 {
		t.Errorf("%d values, %d events of others", c.Len(), c.Unknown())
	}
	sum := c.More()
	for _, v := range c.Top() {
		sum += v.N
	}
	if len(c.Top()) != topValues || sum != 3*maxValues {
		t.Errorf("%d values at the top, %d events", len(c.Top()), sum)
	}
}
