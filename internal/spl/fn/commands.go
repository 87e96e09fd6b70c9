package fn

import (
	"strings"
	"unicode"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(multivalue, "commands", `commands("<search>")`, "The names of the commands in a search.", 1, 1, compileCommands, `commands("search foo | stats count | sort count")`, `["search","stats","sort"]`)
}

func compileCommands(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	arg, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	return func(f *expr.Frame) vector.Value {
		text := arg(f)
		if text.IsNull() {
			return null
		}
		q, err := syntax.Parse(text.Text())
		if err != nil {
			return vector.Strings(stageNames(text.Text()))
		}
		var list []string
		for _, st := range q.Stages {
			list = append(list, st.Def.Name)
		}
		return vector.Strings(list)
	}, nil
}

// stageNames returns the first word of each stage of a search that does not
// parse, such as one with commands of an app.
func stageNames(text string) []string {
	var list []string
	start, depth, quoted := 0, 0, false
	stage := func(end int) {
		words := strings.FieldsFunc(text[start:end], func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`[("=`, r) })
		switch {
		case len(words) == 0:
		case start == 0 && syntax.LookupCommand(words[0]) == nil:
			list = append(list, "search")
		default:
			list = append(list, strings.ToLower(words[0]))
		}
		start = end + 1
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '|' && depth == 0:
			stage(i)
		}
	}
	stage(len(text))
	return list
}
