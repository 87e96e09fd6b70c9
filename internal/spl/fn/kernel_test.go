package fn_test

import (
	"fmt"
	"testing"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"

	"pgregory.net/rapid"
)

// TestKernels compares what a program gives for a whole batch with what it gives
// row by row, over random expressions of what has a kernel, and every form that
// a column has.
func TestKernels(t *testing.T) {
	values := []vector.Value{
		{}, vector.String(""), vector.String("a"), vector.String("B%"), vector.String("22"), vector.String("022"), vector.String("-1.50"),
		vector.Float(22), vector.Float(0), vector.Float(0.1), vector.Float(1.5), vector.Formatted(2, "2.00"),
		vector.Strings([]string{"a", "22"}), vector.Float(1e300), vector.String("nan"),
	}
	value := rapid.SampledFrom(values)
	literal := rapid.SampledFrom([]string{"22", "0", "1.5", "2.25", "-3", `"a"`, `"22"`, `""`, `"B%"`, "null()"})
	var text, test func(t *rapid.T, depth int) string
	text = func(t *rapid.T, depth int) string {
		if depth == 0 {
			return rapid.OneOf(rapid.SampledFrom([]string{"x", "y", "z", "nosuch"}), literal).Draw(t, "leaf")
		}
		a, b := text(t, depth-1), text(t, depth-1)
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0, 1, 2:
			return fmt.Sprintf("(%s %s %s)", a, rapid.SampledFrom([]string{"+", "-", "*", "/", "%", "."}).Draw(t, "op"), b)
		case 3:
			return fmt.Sprintf("if(%s, %s, %s)", test(t, depth-1), a, b)
		case 4:
			return fmt.Sprintf("case(%s, %s, %s, %s)", test(t, depth-1), a, test(t, depth-1), b)
		case 5:
			return fmt.Sprintf("coalesce(%s, %s)", a, b)
		case 6:
			return fmt.Sprintf("-(%s)", a)
		case 7:
			return fmt.Sprintf("%s(%s)", rapid.SampledFrom([]string{"lower", "upper", "len", "abs", "floor", "sqrt", "ln", "round", "tonumber", "cos", "ceiling", "exact", "sigfig", "tostring", "trim"}).Draw(t, "fn"), a)
		}
		return a
	}
	test = func(t *rapid.T, depth int) string {
		if depth == 0 {
			return fmt.Sprintf("%s=%s", text(t, 0), text(t, 0))
		}
		a, b := text(t, depth-1), text(t, depth-1)
		switch rapid.IntRange(0, 7).Draw(t, "test") {
		case 0, 1:
			return fmt.Sprintf("(%s %s %s)", a, rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">="}).Draw(t, "cmp"), b)
		case 2:
			return fmt.Sprintf("(%s %s %s)", test(t, depth-1), rapid.SampledFrom([]string{"AND", "OR", "XOR"}).Draw(t, "logic"), test(t, depth-1))
		case 3:
			return fmt.Sprintf("NOT (%s)", test(t, depth-1))
		case 4:
			return fmt.Sprintf(`like(%s, "%%2%%")`, a)
		case 6:
			return rapid.SampledFrom([]string{`searchmatch("x=2*")`, `searchmatch("NOT y=a OR z>3 x!=22")`, `searchmatch("nosuch=*")`, `searchmatch("x=* y=*")`}).Draw(t, "search")
		case 5:
			return fmt.Sprintf(`%s(%s)`, rapid.SampledFrom([]string{"isnull", "isnotnull", "isnum", "isstr", "ismv", "isbool"}).Draw(t, "is"), a)
		}
		return fmt.Sprintf(`%s IN ("a", 22, %s)`, a, literal.Draw(t, "in"))
	}
	check := func(t *rapid.T) {
		formula := text(t, 3)
		if rapid.Bool().Draw(t, "as test") {
			formula = test(t, 3)
		}
		rows := rapid.IntRange(1, 9).Draw(t, "rows")
		vals := func() []vector.Value { return rapid.SliceOfN(value, rows, rows).Draw(t, "values") }
		batch := &vector.Batch{Len: rows, Cols: []*vector.Column{
			vector.NewColumn("x", vals()), vector.Constant("z", value.Draw(t, "constant")),
			vector.Coded("y", vals(), rapid.SliceOfN(rapid.Int32Range(0, int32(rows-1)), rows, rows).Draw(t, "codes")),
		}}
		e, err := syntax.ParseExpr(formula)
		if err != nil {
			t.Fatalf("%s: %v", formula, err)
		}
		env := exec.NewEnv(now)
		whole, err := expr.Compile(e, env)
		if err != nil {
			return // two literals that do not go together
		}
		single, _ := expr.Compile(e, env)
		col, err := whole.Column("r", batch)
		if err != nil {
			t.Fatal(err)
		}
		var selected []int32
		for i := range rows {
			want := single.Value(batch, i)
			if got := col.At(i); !vector.Equal(got, want) || got.Sig() != 0 || want.Sig() != 0 {
				t.Fatalf("%s over x=%q y=%q z=%q is %q in a batch and %q in a row", formula, batch.At("x", i).All(), batch.At("y", i).All(), batch.At("z", i).All(), got.All(), want.All())
			}
			if want.True() {
				selected = append(selected, int32(i))
			}
		}
		if got := whole.Select(batch); fmt.Sprint(got) != fmt.Sprint(selected) {
			t.Fatalf("%s selects %v, want %v", formula, got, selected)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 30 {
			check(t)
		}
	})
}
