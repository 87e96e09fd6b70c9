package op

import (
	"cmp"
	"context"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Ranked is a group with its first key as it is compared: read as a number once
// and not at every comparison.
type Ranked struct {
	*Group
	num    float64
	number bool
	text   string
}

func rank(grp *Group) Ranked {
	r := Ranked{Group: grp, text: grp.keys[0].Text()}
	r.num, r.number = grp.keys[0].Num()
	return r
}

// Sorted returns the groups in the order of their keys, numbers as numbers.
func (g *Grouper) Sorted(ctx context.Context) ([]*Group, error) {
	if len(g.by) == 0 {
		return g.order, nil
	}
	list := make([]Ranked, len(g.order))
	for i, grp := range g.order {
		list[i] = rank(grp)
	}
	if err := exec.SortFunc(ctx, list, compareRanked); err != nil {
		return nil, err
	}
	for i, r := range list {
		g.order[i] = r.Group
	}
	return g.order, nil
}

// compareRanked is the order of vector.CompareValues, key by key; numbers that are
// equal and written differently, as 1 and 1.0, go by their texts.
func compareRanked(a, b Ranked) int {
	c := 0
	if a.number && b.number {
		c = cmp.Compare(a.num, b.num)
	} else {
		c = strings.Compare(a.text, b.text)
	}
	for i := 1; c == 0 && i < len(a.keys); i++ {
		c = vector.CompareValues(a.keys[i], b.keys[i])
	}
	for i := 0; c == 0 && i < len(a.keys); i++ {
		c = strings.Compare(a.keys[i].Text(), b.keys[i].Text())
	}
	return c
}
