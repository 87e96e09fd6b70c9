package incident

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"bluetrail/internal/event"
	"bluetrail/internal/vector"
)

// feed gives a summary one event of each of the numbered callers, in batches.
func feed(s *Summary, callers []int, address func(i int) string) {
	for len(callers) > 0 {
		n := min(len(callers), 4096)
		b := vector.NewBuilder("_time", "userIdentity.type", "userIdentity.arn", "eventName", "eventSource", "outcome", "awsRegion", "sourceIPAddress", "userIdentity.accessKeyId")
		for _, i := range callers[:n] {
			b.Add()
			set := func(name, value string) { b.Set(name, vector.String(value)) }
			set("_time", fmt.Sprint(1_772_000_000+i%1000))
			set("userIdentity.type", "IAMUser")
			set("userIdentity.arn", fmt.Sprintf("arn:aws:iam::111122223333:user/u%06d", i))
			set("eventName", []string{"GetObject", "CreateUser", "ListUsers"}[i%3])
			set("eventSource", "s3.amazonaws.com")
			set("outcome", []string{event.Success, event.Denied}[i%2])
			set("awsRegion", "us-east-1")
			set("sourceIPAddress", address(i))
			set("userIdentity.accessKeyId", fmt.Sprintf("AKIA%016d", i))
		}
		s.Add(b.Batch())
		callers = callers[n:]
	}
}

// TestSummaryOfManyIdentities: a summary of more identities than it remembers has
// the numbers of those right, sums up the rest, and loses no event.
func TestSummaryOfManyIdentities(t *testing.T) {
	const callers, rounds = 30_000, 2
	s := NewSummary()
	s.room.left.Store(40 << 20)
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		feed(s, random.Perm(callers), func(i int) string { return fmt.Sprintf("10.%d.%d.7", i/256%256, i%256) })
	}
	list := s.Identities()
	if len(list) < callers/2 || len(list) > callers*19/20 || s.Events != callers*rounds {
		t.Fatalf("%d identities of %d events", len(list), s.Events)
	}
	events, denied, favoured := s.Overflow.Events, s.Overflow.Denied, int64(0)
	for _, c := range s.Overflow.Favoured.Top() {
		favoured += c.N
	}
	for _, d := range list {
		var i int
		if _, err := fmt.Sscanf(d.Name, "arn:aws:iam::111122223333:user/u%d", &i); err != nil {
			t.Fatal(d.Name, err)
		}
		want := int64(0)
		if i%2 == 1 {
			want = rounds
		}
		if d.Calls != rounds || d.Denied != want || d.Addresses.Len()+int(d.Addresses.Unknown()/rounds) != 1 ||
			d.Keys.Unknown() == 0 && d.Keys.Top()[0] != (Count{fmt.Sprintf("AKIA%016d", i), rounds}) {
			t.Fatalf("%s has %d calls, %d denied, keys %v", d.Name, d.Calls, d.Denied, d.Keys.Top())
		}
		events += d.Calls
		denied += d.Denied
		favoured += d.Favoured.More()
		for _, c := range d.Favoured.Top() {
			favoured += c.N
		}
	}
	if events != callers*rounds || denied != callers*rounds/2 || favoured != callers*rounds*2/3 {
		t.Errorf("%d events, %d denied, %d favoured in all, want %d, %d, %d", events, denied, favoured, callers*rounds, callers*rounds/2, callers*rounds*2/3)
	}
	for i := 1; i < len(list); i++ {
		if list[i-1].Score() < list[i].Score() {
			t.Fatalf("score %d comes before %d", list[i-1].Score(), list[i].Score())
		}
	}
}

// TestSummaryMemoryIsBounded: callers with many long values take no more than the
// bound, and every event is counted.
func TestSummaryMemoryIsBounded(t *testing.T) {
	s := NewSummary()
	s.room.left.Store(3 << 20)
	const callers, rounds = 500, 80
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for round := range rounds {
		feed(s, rand.New(rand.NewPCG(1, uint64(round))).Perm(callers), func(i int) string { return fmt.Sprintf("%d-%d-%s", i, round, strings.Repeat("x", 1000)) })
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if left := s.room.left.Load(); left < 0 {
		t.Errorf("%d bytes beyond the bound", -left)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the summary holds %d bytes", grown)
	}
	more := int64(0)
	for _, d := range s.Identities() {
		n := d.Addresses.More()
		for _, c := range d.Addresses.Top() {
			n += c.N
		}
		if n != rounds || d.Calls != rounds {
			t.Errorf("%s: addresses of %d events, %d calls", d.Name, n, d.Calls)
		}
		more += d.Addresses.More()
	}
	if more == 0 {
		t.Error("no value went beyond the bound")
	}
}
