package cmd

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// TestArulesCountsRules: there are several times as many rules as combinations,
// and they count against the memory of the search, too.
func TestArulesCountsRules(t *testing.T) {
	c := &Arules{Support: 1, Confidence: 0.1}
	b := vector.NewBuilder()
	b.Add()
	for i := range maxRuleFields {
		c.Fields = append(c.Fields, "f"+strconv.Itoa(i))
		b.Set(c.Fields[i], vector.String("v"))
	}
	row := b.Batch()
	for _, tc := range []struct {
		budget int64
		over   bool
	}{{300 << 10, true}, {8 << 20, false}} {
		env := &exec.Env{Memory: exec.NewBudget(tc.budget)}
		op, err := c.Open(context.Background(), env, exec.Rows(row))
		if err != nil {
			t.Fatal(err)
		}
		out, err := op.Next(context.Background())
		var over *exec.OverBudget
		if errors.As(err, &over) != tc.over {
			t.Errorf("budget %d: error %v", tc.budget, err)
		}
		if want := maxRuleFields * (1<<(maxRuleFields-1) - 1); !tc.over && (out == nil || out.Len != want) {
			t.Errorf("not the %d rules", want)
		}
		op.Close()
	}
}
