package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(multivalue, "commands", `commands("<search>")`, "The names of the commands of a search.", 1, 1, compileCommands, `commands("search foo | stats count | sort count")`, `["search","stats","sort"]`)
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
