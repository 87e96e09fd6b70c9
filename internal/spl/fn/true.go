package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "true", "true()", "The test that holds.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(true) }, `if(true(), 1, 2)`, `"1"`)
	function(conditional, "false", "false()", "The test that does not hold.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(false) }, `if(false(), 1, 2)`, `"2"`)
	for name, always := range map[string]spl.Test{"true": spl.Yes, "false": spl.No} {
		batched(name, func(*spl.Compiler, *spl.Call) spl.Kernel {
			var buf []spl.Test
			return spl.Kernel{Tests: func(_ *spl.Frame, n int) []spl.Test {
				for len(buf) < n {
					buf = append(buf, always)
				}
				return buf[:n]
			}}
		})
	}
	gives(spl.GivesTest, "true", "false")
}
