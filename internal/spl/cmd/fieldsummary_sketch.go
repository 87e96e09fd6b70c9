package cmd

import (
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// sketch estimates the number of distinct texts from their smallest hashes. The
// result does not depend on the order of the texts.
type sketch struct {
	smallest []uint64 // fewer than 2*sketchSize; may contain duplicates until it shrinks
	bound    uint64   // hashes at or above this are ignored, 0 = no bound
}

const (
	// sketchSize gives a standard error of 1.6 per cent.
	sketchSize  = 4096
	sketchBytes = 2 * sketchSize * 8
)

func (s *sketch) add(text string) { s.put(xxhash.Sum64String(text)) }

func (s *sketch) put(h uint64) {
	if s.bound > 0 && h >= s.bound {
		return
	}
	if s.smallest = append(s.smallest, h); len(s.smallest) == 2*sketchSize {
		s.shrink()
	}
}

func (s *sketch) shrink() {
	slices.Sort(s.smallest)
	s.smallest = slices.Compact(s.smallest)
	if len(s.smallest) > sketchSize {
		s.smallest = s.smallest[:sketchSize]
		s.bound = s.smallest[sketchSize-1]
	}
}

func (s *sketch) merge(o *sketch) {
	for _, h := range o.smallest {
		s.put(h)
	}
}

func (s *sketch) estimate() int {
	s.shrink()
	if len(s.smallest) < sketchSize {
		return len(s.smallest)
	}
	return int(math.Round((sketchSize - 1) / (float64(s.smallest[sketchSize-1]) / math.MaxUint64)))
}
