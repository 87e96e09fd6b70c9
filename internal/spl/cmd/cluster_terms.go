package cmd

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"bluetrail/internal/spl/exec"

	"github.com/cespare/xxhash/v2"
)

const (
	maxClusters = 10000
	// maxClusterTerms bounds how many terms of a text are compared.
	maxClusterTerms = 1000
)

// clusters are the clusters found so far, numbered from 1.
type clusters struct {
	c     *Cluster
	env   *exec.Env
	first [][]uint64     // terms of the first row of each cluster
	sizes []int          // rows of each
	known map[string]int // cluster of each text seen before, 0 = none
	held  *exec.Held
}

// place returns the cluster of a text and whether the text starts it. The label
// is 0 if no cluster matches and the limit is reached.
func (cs *clusters) place(ctx context.Context, text string) (label int, begins bool, err error) {
	label, seen := cs.known[text]
	if !seen {
		if label, begins, err = cs.find(ctx, text); err != nil {
			return 0, false, err
		}
	}
	if label > 0 {
		cs.sizes[label-1]++
	}
	return label, begins, nil
}

func (cs *clusters) find(ctx context.Context, text string) (label int, begins bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	terms := cs.c.terms(text)
	size := len(text) + 64
	label = slices.IndexFunc(cs.first, func(first []uint64) bool { return cs.c.like(first, terms) }) + 1
	switch {
	case label > 0:
	case len(cs.first) == maxClusters:
		cs.env.Warn("cluster makes at most %d clusters; rows that resemble none of them belong to no cluster", maxClusters)
	default:
		cs.first, cs.sizes = append(cs.first, terms), append(cs.sizes, 0)
		label, begins = len(cs.first), true
		size += 8*len(terms) + 32
	}
	cs.known[text] = label // the rows stay in memory as long as this map
	return label, begins, cs.held.Add(size)
}

// terms returns the hashes of a text's terms, sorted if their order does not
// matter.
func (c *Cluster) terms(text string) []uint64 {
	var list []uint64
	if c.Match == "ngramset" {
		runes := []rune(text[:min(len(text), 4*maxClusterTerms)])
		runes = runes[:min(len(runes), maxClusterTerms)]
		for i := range max(1, len(runes)-2) {
			list = append(list, xxhash.Sum64String(string(runes[i:min(len(runes), i+3)])))
		}
	} else {
		parts := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
		if c.Delims != "" {
			parts = func(r rune) bool { return strings.ContainsRune(c.Delims, r) }
		}
		for term := range strings.FieldsFuncSeq(text, parts) {
			if list = append(list, xxhash.Sum64String(term)); len(list) == maxClusterTerms {
				break
			}
		}
	}
	if c.Match != "termlist" {
		slices.Sort(list)
	}
	return list
}

// like reports whether two texts with these terms belong to the same cluster.
func (c *Cluster) like(a, b []uint64) bool {
	longer := max(len(a), len(b))
	if longer == 0 {
		return true
	}
	enough := c.Threshold * float64(longer)
	if float64(min(len(a), len(b))) < enough {
		return false
	}
	both := 0
	if c.Match == "termlist" {
		for i := range min(len(a), len(b)) {
			if a[i] == b[i] {
				both++
			}
		}
		return float64(both) >= enough
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			both++
			i++
			j++
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return float64(both) >= enough
}
