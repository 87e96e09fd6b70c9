package fn_test

import (
	"context"
	"math"
	"strings"
	"testing"

	_ "bluetrail/internal/spl/cmd"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// most is what a value may take: MaxList, and what a last part adds to it.
const most = expr.MaxList + expr.MaxValue

// operand reads an argument: its first byte says which kind it is.
func operand(s string) vector.Value {
	if s == "" {
		return vector.Value{}
	}
	switch rest := s[1:]; s[0] % 8 {
	case 1:
		f, _ := vector.ParseNumber(rest)
		return vector.Float(f)
	case 2:
		return vector.Truth(rest != "")
	case 3:
		return vector.Strings(strings.Split(rest, ","))
	case 4:
		return vector.Float(math.Inf(len(rest)%2*2 - 1))
	case 5:
		return vector.Float(math.NaN())
	case 6:
		return vector.Strings(strings.Split(strings.Repeat(rest+",", 300), ","))
	default:
		return vector.String(rest)
	}
}

// impatient is a context that ends when it is asked for the n-th time, so that a call
// that computes much is ended, whatever the machine is doing.
type impatient struct {
	context.Context
	left int
}

// Err implements context.Context.
func (i *impatient) Err() error {
	if i.left--; i.left < 0 {
		return context.Canceled
	}
	return nil
}

// FuzzFunctions calls every function with any number of arguments of any kind,
// written out or as fields: none panics, and no value is too large.
func FuzzFunctions(f *testing.F) {
	seeds := [][4]string{
		{}, {"0a", "0b", "0c", "0d"}, {"1-1", "17", "1-0.5", "11e300"}, {"3a,b,a", "0,", "10", "1-1"},
		{"0{\"a\":[1,{\"b\":2}]}", "0a{}.b", "0[1,2]", "0a{0}"}, {"0[[1],[2]]", "0{}", "0[3]", "0{0}{0}"},
		{"4", "41", "5", "11"}, {"0%-*.*f|%'d|%c", "11e9", "13", "1-7"}, {"0(a+)+$", "0aaaaaaaaaaaaaaaaaaaaaaaaab", "0\\1", ""},
		{"11700000000", "0-1mon@w3+1h", "0%Y-%m-%d %H:%M:%S.%9N %z", "2x"}, {"010.0.0.0/8", "0255.255.255.0", "0::1", "6x"},
		{"6abc", "6abc", "6,", "6"}, {"0search x=\"y\" | stats count by z", "0\xff\xfe", "0\x00", "0%zz"},
		{"10", "11e15", "10.000001", "0+1y"},
	}
	defs := syntax.Functions()
	for i := range defs {
		for _, s := range seeds {
			for n := range 5 {
				f.Add(uint8(i), uint8(n), uint8(5*n), s[0], s[1], s[2], s[3])
			}
		}
	}
	f.Fuzz(func(t *testing.T, which, arity, fields uint8, a, b, c, d string) {
		for _, s := range []string{a, b, c, d} {
			if len(s) > 4096 {
				t.Skip("long texts have a test of their own")
			}
		}
		def := defs[int(which)%len(defs)]
		n := max(int(arity%8), def.Min)
		if def.Max >= 0 {
			n = min(n, def.Max)
		}
		call := &syntax.Call{Def: def}
		row := vector.NewBuilder()
		row.Add()
		for i := range n {
			v := operand([]string{a, b, c, d}[i%4])
			name := string(rune('a' + i%4))
			row.Set(name, v)
			if kind := v.Kind(); fields>>i&1 == 0 && (kind == vector.Text || kind == vector.Number) {
				call.Args = append(call.Args, &syntax.Literal{Value: v})
			} else {
				call.Args = append(call.Args, &syntax.Field{Name: name})
			}
		}
		env := exec.NewEnv(now)
		env.RunBy(&impatient{context.Background(), 32})
		defer func() {
			r := recover()
			if _, ended := r.(*exec.Stopped); r != nil && !ended {
				panic(r)
			}
		}()
		p, err := expr.Compile(call, env)
		if err != nil {
			return
		}
		if v := p.Value(row.Batch(), 0); v.Size() > most {
			t.Errorf("%s makes a value of %d bytes", syntax.PrintExpr(call), v.Size())
		}
	})
}

// Growth that a few arguments could ask for ends in null and a warning.
func TestBounds(t *testing.T) {
	if raced {
		t.Skip("one goroutine copies large values, which takes minutes under the race detector; make test runs it without")
	}
	b := vector.NewBuilder()
	b.Add()
	b.Set("x", vector.String(strings.Repeat("ab", 1<<20)))
	b.Set("deep", vector.String(strings.Repeat("a.", 1<<20)+"a"))
	b.Set("refs", vector.String(strings.Repeat(`\0`, 1<<20)))
	b.Set("js", vector.String("["+strings.Repeat("[],", 1<<16)+"[]]"))
	b.Set("many", vector.Strings(strings.Split(strings.Repeat("a,", 1<<16), ",")))
	row := b.Batch()
	for _, text := range []string{
		`mvjoin(many, x)`,
		`mvzip(many, many, x)`,
		`mvmap(many, x)`,
		`split(x, "")`,
		`replace(x, "a", x)`,
		`replace(x, ".+", refs)`,
		`replace(many, "a", x)`,
		`mvappend(x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x)`,
		`json_array(x,x,x,x,x,x,x,x,x)`,
		`json_object("a",x,"b",x,"c",x,"d",x,"e",x,"f",x,"g",x,"h",x,"i",x)`,
		`json_set("{}", deep, 1)`,
		`json_set(js, "{}", x)`,
		`json_extend(js, "{}", js)`,
		`x.x.x.x.x.x.x.x.x`,
	} {
		t.Run(strings.NewReplacer("/", "").Replace(text[:min(len(text), 30)]), func(t *testing.T) {
			e, err := syntax.ParseExpr(text)
			if err != nil {
				t.Fatal(err)
			}
			env := exec.NewEnv(now)
			p, err := expr.Compile(e, env)
			if err != nil {
				t.Fatal(err)
			}
			v := p.Value(row, 0)
			if len(env.Warnings()) == 0 || v.Size() > most {
				t.Errorf("%d bytes, warnings %q", v.Size(), env.Warnings())
			}
		})
	}
}
