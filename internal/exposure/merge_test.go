package exposure

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMerge: what is opened while it is open repeats the first opening, which ends with the last.
func TestMerge(t *testing.T) {
	at := func(hour int) *Change {
		return &Change{Time: time.Date(2026, 3, 2, hour, 0, 0, 0, time.UTC), EventID: strconv.Itoa(hour)}
	}
	o := func(rule string, opened int, closed *Change) Opening {
		return Opening{ID: "sg-1", Rule: rule, Traffic: traffic("tcp", "22", "22", "0.0.0.0/0"), Opened: at(opened), Closed: closed}
	}
	other := o("x", 9, nil)
	other.Traffic = traffic("tcp", "23", "23", "0.0.0.0/0")
	var got []string
	for _, m := range Merge([]Opening{o("d", 8, nil), o("b", 2, at(4)), other, o("a", 1, at(3)), o("c", 5, at(6)), o("e", 9, nil)}) {
		s := m.Rule + " " + m.Opened.EventID
		if m.Closed != nil {
			s += " to " + m.Closed.EventID
		}
		got = append(got, s)
	}
	if want := "d 8, x 9, a 1 to 4, c 5 to 6"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
