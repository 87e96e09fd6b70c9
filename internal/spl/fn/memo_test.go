package fn

import (
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

func TestMemo(t *testing.T) {
	var m memo[string]
	computed := 0
	whole := func(s string) (string, bool) { computed++; return s, len(s) < 100 }
	text := []byte("abc")
	shared := unsafe.String(&text[0], len(text)) // as those of a batch, which is filled again
	for range 2 {
		if got := m.of(shared, whole); got != "abc" || computed != 1 {
			t.Fatalf("%q, computed %d times, want once", got, computed)
		}
	}
	copy(text, "xyz")
	if got := m.of("abc", whole); got != "abc" {
		t.Errorf("the remembered text is now %q", got)
	}
	long := strings.Repeat("x", 200)
	computed = 0
	m.of(long, whole)
	m.of(long, whole)
	if computed != 2 {
		t.Errorf("a text that was not to be kept was computed %d times, want 2", computed)
	}
	for i := range 3 * memoTrial {
		m.of(strconv.Itoa(i), whole)
	}
	if !m.off || m.known != nil {
		t.Error("texts that never come again are still remembered")
	}
}
