package fn_test

import (
	"strconv"
	"testing"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	_ "bluetrail/internal/spl/fn"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// BenchmarkEval computes one expression for batches of rows as a store hands
// them out: every field is text.
func BenchmarkEval(b *testing.B) {
	const rows = vector.DefaultRows
	col := func(name string, text func(i int) string) *vector.Column {
		vals := make([]vector.Value, rows)
		for i := range vals {
			vals[i] = vector.String(text(i))
		}
		return vector.NewColumn(name, vals)
	}
	batch := &vector.Batch{Len: rows, Cols: []*vector.Column{
		col("n", func(i int) string { return strconv.Itoa(i * 37) }),
		col("a", func(i int) string { return "user" + strconv.Itoa(i%50) }),
		col("b", func(i int) string { return "10.0.3." + strconv.Itoa(i%250) }),
		col("arn", func(i int) string { return "arn:aws:sts::111111111111:assumed-role/Dev/session-" + strconv.Itoa(i) }),
		col("t", func(i int) string { return strconv.Itoa(1700000000 + i) }),
	}}
	for _, formula := range []string{
		`n+1`, `n*2-1`, `a.b`, `if(n>1, "yes", "no")`, `a="user7"`, `case(n<10,"a",n<1000,"b",true(),"c")`,
		`coalesce(nosuch, a)`, `lower(a)`, `len(a)`, `substr(arn, 5, 8)`, `cidrmatch("10.0.0.0/16", b)`, `a IN ("user1","user2","user3")`,
		`like(arn, "%assumed-role%")`, `match(arn, "session-\d+$")`, `replace(arn, "^.*/", "")`, `mvindex(split(arn, ":"), 5)`,
		`strftime(t, "%Y-%m-%d %H:%M:%S")`, `relative_time(t, "-1d@d")`, `round(n/7, 2)`, `tonumber(n)`, `md5(a)`, `json_object("a", a, "n", n)`,
	} {
		b.Run(formula, func(b *testing.B) {
			e, err := syntax.ParseExpr(formula)
			if err != nil {
				b.Fatal(err)
			}
			env := exec.NewEnv(now)
			prog, err := expr.Compile(e, env)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if sink, err = prog.Column("x", batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

var sink *vector.Column
