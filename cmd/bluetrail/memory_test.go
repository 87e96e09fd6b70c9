package main

import (
	"math"
	"runtime/debug"
	"testing"
)

// TestMemoryPolicy lets searches begin and end in any order beside an ingest.
func TestMemoryPolicy(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	var p memoryPolicy
	check := func(when string, want int64) {
		t.Helper()
		if got := debug.SetMemoryLimit(-1); got != want {
			t.Errorf("%s: a limit of %d, want %d", when, got, want)
		}
	}
	first := p.allow(0, 100<<20)
	check("one search", besideSearch+100<<20)
	second := p.allow(0, 200<<20)
	check("two searches", besideSearch+300<<20)
	ingest := p.allow(ingestMemory, 0)
	check("with an ingest", ingestMemory+300<<20)
	first()
	first()
	check("the first search ended", ingestMemory+200<<20)
	ingest()
	second()
	check("all ended", math.MaxInt64)
	t.Setenv("GOMEMLIMIT", "1GiB")
	defer p.allow(0, 1<<20)()
	check("with GOMEMLIMIT", math.MaxInt64)
}
