package fn

import (
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

const multivalue = "Multivalue"

// maxValues bounds the lists that functions make.
const maxValues = 1 << 20

func init() {
	bounded(multivalue, "split", "split(<text>, <delimiter>)", "The parts of a text between delimiters; an empty delimiter gives the characters.", 2, 2, split, `split("a,b,c", ",")`, `["a","b","c"]`)
	function(multivalue, "mvappend", "mvappend(<value>, …)", "All values one after the other.", 1, -1, func(a []vector.Value) vector.Value {
		var list []string
		for _, v := range a {
			list = append(list, v.All()...)
		}
		return vector.Strings(list)
	}, `mvappend("a", split("b,c", ","))`, `["a","b","c"]`)
	function(multivalue, "mvcount", "mvcount(<value>)", "How many values there are; null for none.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() {
			return null
		}
		return vector.Int(a[0].Len())
	}, `mvcount(split("a,b", ","))`, `"2"`)
	function(multivalue, "mvdedup", "mvdedup(<value>)", "The different values, in the order in which they come first.", 1, 1, func(a []vector.Value) vector.Value {
		seen := map[string]bool{}
		return keep(a[0], func(s string) bool { was := seen[s]; seen[s] = true; return !was })
	}, `mvdedup(split("b,a,b", ","))`, `["b","a"]`)
	function(multivalue, "mvreverse", "mvreverse(<value>)", "The values from last to first.", 1, 1, func(a []vector.Value) vector.Value {
		list := slices.Clone(a[0].All())
		slices.Reverse(list)
		return vector.Strings(list)
	}, `mvreverse(split("a,b", ","))`, `["b","a"]`)
	function(multivalue, "mvsort", "mvsort(<value>)", "The values in the order of their bytes.", 1, 1, func(a []vector.Value) vector.Value {
		return vector.Strings(slices.Sorted(slices.Values(a[0].All())))
	}, `mvsort(split("c,B,a", ","))`, `["B","a","c"]`)
	bounded(multivalue, "mvjoin", "mvjoin(<value>, <delimiter>)", "The values in one text.", 2, 2, func(a []vector.Value) (vector.Value, error) {
		if a[0].IsNull() || a[1].IsNull() {
			return null, nil
		}
		delim := a[1].Text()
		if a[0].Len()*len(delim)+a[0].Size() > 2*spl.MaxValue {
			return null, spl.ErrTooLarge
		}
		return vector.String(strings.Join(a[0].All(), delim)), nil
	}, `mvjoin(split("a,b", ","), "/")`, `"a/b"`)
	function(multivalue, "mvindex", "mvindex(<value>, <start> [, <end>])", "The value at a place, or those from start to end. The first is 0, -1 the last.", 2, 3, mvindex, `mvindex(split("a,b,c", ","), -2, -1)`, `["b","c"]`)
	compiled(multivalue, "mvfind", "mvfind(<value>, <regex>)", "The place of the first value that the regular expression fits; null for none.", 2, 2, compileMvfind, `mvfind(split("a,bb", ","), "^b")`, `"1"`)
	function(multivalue, "mvrange", "mvrange(<start>, <end> [, <step>])", "Numbers from start up to, not including, end. The step is a number, or a span such as 7d. At most 1,048,576 values.", 2, 3, mvrange, `mvrange(1, 7, 2)`, `["1","3","5"]`)
	bounded(multivalue, "mvzip", "mvzip(<a>, <b> [, <delimiter>])", "The values of two lists put together pair by pair.", 2, 3, mvzip, `mvzip(split("a,b", ","), split("1,2", ","))`, `["a,1","b,2"]`)
	compiled(multivalue, "mvfilter", "mvfilter(<test>)", "The values of the one field in the test for which it is true.", 1, 1, compileMvfilter, `mvfilter(match(split("a,b", ","), "b"))`, ``)
	compiled(multivalue, "mvmap", "mvmap(<field>, <expression>)", "The expression computed for each value of the field.", 2, 2, compileMvmap, `mvmap(_time, _time+1)`, `"1700000001"`)
	function(multivalue, "mv_to_json_array", "mv_to_json_array(<value> [, <infer>])", "The values as a JSON array; with infer=true() those that read as JSON stay what they are.", 1, 2, func(a []vector.Value) vector.Value {
		return mvToArray(a[0], len(a) == 2 && a[1].True())
	}, `mv_to_json_array(split("a,1", ","), true())`, `"[\"a\",1]"`)
	compiled(multivalue, "commands", `commands("<search>")`, "The names of the commands of a search.", 1, 1, compileCommands, `commands("search foo | stats count | sort count")`, `["search","stats","sort"]`)
}

func keep(v vector.Value, test func(string) bool) vector.Value {
	var list []string
	for _, s := range v.All() {
		if test(s) {
			list = append(list, s)
		}
	}
	return vector.Strings(list)
}

func split(a []vector.Value) (vector.Value, error) {
	if a[0].IsNull() || a[1].IsNull() {
		return null, nil
	}
	delim, parts := a[1].Text(), 0
	for _, s := range a[0].All() {
		parts += strings.Count(s, delim) + 1
	}
	if parts > maxValues+1 { // the end of a text counts as an empty delimiter, too
		return null, spl.ErrTooLarge
	}
	var list []string
	for _, s := range a[0].All() {
		list = append(list, strings.Split(s, delim)...)
	}
	return vector.Strings(list), nil
}

func mvindex(a []vector.Value) vector.Value {
	n := a[0].Len()
	from, ok := integer(a[1])
	if !ok {
		return null
	}
	if from < 0 {
		from += n
	}
	to := from
	if len(a) == 3 {
		if to, ok = integer(a[2]); !ok {
			return null
		}
		if to < 0 {
			to += n
		}
	}
	if from < 0 || from >= n || to < from {
		return null
	}
	return vector.Strings(slices.Clone(a[0].All()[from : min(to, n-1)+1]))
}

func compileMvfind(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	regex, err := expression(c, call.Args[1])
	if err != nil {
		return nil, err
	}
	return func(f *spl.Frame) vector.Value {
		re := regex(f)
		if re == nil {
			return null
		}
		for i, s := range subject(f).All() {
			ok, err := re.Match(s)
			if err != nil {
				c.Warn("mvfind: %v", err)
			}
			if ok {
				return vector.Int(i)
			}
		}
		return null
	}, nil
}

func mvrange(a []vector.Value) vector.Value {
	from, ok1 := a[0].Num()
	to, ok2 := a[1].Num()
	step := 1.0
	next := func(t float64) float64 { return t + step }
	if len(a) == 3 {
		f, isNum := a[2].Num()
		if !isNum {
			span := "+" + a[2].Text()
			if _, err := spl.RelativeTime(span, spl.FromEpoch(0)); err != nil || a[2].IsNull() {
				return null
			}
			next = func(t float64) float64 {
				moved, err := spl.RelativeTime(span, spl.FromEpoch(t))
				if err != nil {
					return t
				}
				return spl.Epoch(moved)
			}
		} else if step = f; step == 0 {
			return null
		}
	}
	if !ok1 || !ok2 || from != from || to != to {
		return null
	}
	var list []string
	for t := from; len(list) < maxValues && (step > 0 && t < to || step < 0 && t > to); {
		list = append(list, vector.FormatNumber(t))
		after := next(t)
		if after == t {
			break
		}
		t = after
	}
	return vector.Strings(list)
}

func mvzip(a []vector.Value) (vector.Value, error) {
	delim := ","
	if len(a) == 3 {
		delim = a[2].Text()
	}
	n := min(a[0].Len(), a[1].Len())
	if n*len(delim) > spl.MaxList {
		return null, spl.ErrTooLarge
	}
	list := make([]string, n)
	for i := range list {
		list[i] = a[0].At(i) + delim + a[1].At(i)
	}
	return vector.Strings(list), nil
}

// onlyField returns the one field an expression reads.
func onlyField(call *spl.Call, e spl.Expr) (string, error) {
	names := spl.ExprFields(e)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) != 1 {
		if len(names) == 0 {
			return "", nil
		}
		return "", diag.At(call.Span, "%s may use one field only, not %s", call.Def.Name, strings.Join(names, " and "))
	}
	return names[0], nil
}

func compileMvfilter(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	name, err := onlyField(call, call.Args[0])
	if err != nil {
		return nil, err
	}
	test, err := c.Compile(call.Args[0])
	if err != nil || name == "" {
		return func(*spl.Frame) vector.Value { return null }, err
	}
	slot := c.Slot(name)
	return func(f *spl.Frame) vector.Value {
		return keep(f.Get(slot), func(s string) bool { return f.With(slot, vector.String(s), test).True() })
	}, nil
}

func compileMvmap(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	name, err := onlyField(call, call.Args[0])
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, diag.At(call.Span, "the first argument of mvmap must be a field")
	}
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	body, err := c.Compile(call.Args[1])
	if err != nil {
		return nil, err
	}
	slot := c.Slot(name)
	return func(f *spl.Frame) vector.Value {
		var list []string
		size := 0
		for _, s := range subject(f).All() {
			v := f.With(slot, vector.String(s), body)
			if size += v.Size(); size > spl.MaxList {
				c.Warn("mvmap: %v", spl.ErrTooLarge)
				return null
			}
			list = append(list, v.All()...)
		}
		return vector.Strings(list)
	}, nil
}

func compileCommands(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	arg, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	return func(f *spl.Frame) vector.Value {
		q, err := spl.Parse(arg(f).Text())
		if err != nil {
			return null
		}
		var list []string
		for _, st := range q.Stages {
			list = append(list, st.Def.Name)
		}
		return vector.Strings(list)
	}, nil
}
