package fn_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// TestWorkIsBounded computes what would take for ever, within a batch.
func TestWorkIsBounded(t *testing.T) {
	long := make([]string, 1<<15)
	for i := range long {
		long[i] = "7"
	}
	slow := make([]vector.Value, 100)
	for i := range slow {
		slow[i] = vector.String(strings.Repeat("a", 40+i))
	}
	for _, tc := range []struct {
		expr  string
		batch *vector.Batch
		warn  string
	}{
		{"mvmap(x, mvmap(y, mvmap(x, null())))", &vector.Batch{Len: 1, Cols: []*vector.Column{
			vector.Constant("x", vector.Strings(long)), vector.Constant("y", vector.Strings(slices.Clone(long))),
		}}, "list values"},
		{`if(match(s, "^(?=a)(a+)+$(?<!a)"), 1, 0)`, &vector.Batch{Len: len(slow), Cols: []*vector.Column{vector.NewColumn("s", slow)}}, "no longer used"},
	} {
		t.Run(tc.expr, func(t *testing.T) {
			t.Parallel()
			e, err := syntax.ParseExpr(tc.expr)
			if err != nil {
				t.Fatal(err)
			}
			env := exec.NewEnv(now)
			prog, err := expr.Compile(e, env)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := prog.Column("r", tc.batch); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 60*time.Second {
				t.Errorf("it took %s", took)
			}
			if got := env.Warnings(); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, tc.warn) }) {
				t.Errorf("warnings %q, want one with %q", got, tc.warn)
			}
		})
	}
}
